#pragma once
// What the agent asks of an API server, and whether it may: SelfSubjectAccessReview
// (kubernetes.io/docs/reference/access-authn-authz/authorization).

#include <set>
#include <string>
#include <vector>

#include "agent/kubernetes/requests.h"
#include "agent/loop/http.h"
#include "reconcilers/model/object_key.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::kubernetes {

struct AccessNeed {
  std::string group;     // empty: the core API
  std::string resource;  // "pods", or with a subresource: "pods/proxy"
  std::vector<std::string> verbs;
  std::string ns;       // empty: in all namespaces
  std::string purpose;  // what does not work without it
};

// All of it, what matters most first. deploy/kustomize/rights.yaml gives the same,
// for the companions that are allowed when the configuration does not say.
struct AccessScope {
  std::string agent_ns;
  std::set<std::string> namespaces;  // that the agent is kept to; empty: all
  std::set<Kind> companions;         // kinds that may stand in Git
  bool through_api_server = false;   // Ray heads are reached by the API server's proxy
};
std::vector<AccessNeed> needed_access(const AccessScope& scope);

// "pods in all namespaces"
std::string to_string(const AccessNeed& need);

ApiRequest render_access_review(const AccessNeed& need, const std::string& verb);
// Whether the server would let us. NotFound when it has no such API, as the local cluster.
Result<bool> parse_access_review(const HttpResponse& response);

ApiRequest render_version();
// "v1.37.2"
Result<std::string> parse_version(const HttpResponse& response);

}  // namespace ray_gitops::kubernetes
