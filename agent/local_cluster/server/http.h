#pragma once
// Between libevent's HTTP and our values.

#include <optional>
#include <string>
#include <string_view>

#include "agent/local_cluster/store/api.h"
#include "agent/local_cluster/store/api_error.h"
#include "reconcilers/model/document.h"
#include "reconcilers/model/time.h"

struct evhttp_request;

namespace ray_gitops::local_cluster {

WallTime read_wall_clock();
Instant read_monotonic_clock();

std::string path_of(evhttp_request* request);
std::string method_of(evhttp_request* request);
// Does the request carry this bearer token? Takes the same time for every wrong one.
bool is_authorized(evhttp_request* request, const std::string& token);
// Everything but the target. BadRequest when the body is not JSON.
ApiResult<ApiRequest> read_request(evhttp_request* request);

void send_json(evhttp_request* request, int http, const std::string& body);
void send_text(evhttp_request* request, int http, const std::string& body);
void send_error(evhttp_request* request, const ApiError& error);
ApiError unauthorized();
ApiError too_many_requests(const std::string& why);
ApiError internal_error(const std::string& why);

}  // namespace ray_gitops::local_cluster
