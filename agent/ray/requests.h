#pragma once
// What is sent to a Ray head's dashboard (Ray, "Ray Jobs REST API", "Ray Serve REST
// API"). Pure.

#include <string>

#include "agent/loop/http.h"
#include "reconcilers/model/ray_head.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::ray {

// "http://10.0.0.7:8265" for "10.0.0.7:8265", and "http://[fd00::7]:8265" for "fd00::7:8265".
// InvalidInput for anything that is not a numeric address and a port: no name is looked up, and no
// other text gets into a URL.
Result<std::string> render_origin(const std::string& address);

// Method, URL, content type and body. InvalidInput as above.
Result<HttpRequest> render_request(const RayRequest& request);

// The same by the API server's proxy of the head's pod: the URL is a path of the API server
// (kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services). InvalidInput also
// for what is no name of a pod.
Result<HttpRequest> render_proxied_request(const RayRequest& request);

// GET of the Secret that holds a token: the URL is a path of the API server. InvalidInput for what
// is no name of a Secret.
Result<HttpRequest> render_token_read(const ResourceKey& secret);
// The token in its answer, as Ray reads it: without the space around it. Unauthenticated, without
// anything of the Secret's values, when there is none or it is none.
Result<std::string> parse_token(const HttpResponse& response);

// Why the API server did not pass a request on, when it is its answer and not the head's: a Status
// object of the Kubernetes API. Empty when it is the head's.
std::string proxy_failure(const HttpResponse& response);

}  // namespace ray_gitops::ray
