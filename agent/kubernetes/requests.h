#pragma once
// Requests and answers of the Kubernetes API as values (kubernetes.io/docs/reference/using-api).

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/loop/http.h"
#include "reconcilers/model/object_key.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/result.h"
#include "reconcilers/model/view.h"

namespace ray_gitops::kubernetes {

constexpr Duration k_request_time_max{30'000};
constexpr int k_list_page_objects = 500;
// After this the server ends a watch.
constexpr Duration k_watch_time{300'000};

struct ApiRequest {
  std::string method;
  std::string target;  // path and query
  std::string content_type;
  std::string body;
  Duration time_max = k_request_time_max;           // of what is no watch
  std::int64_t lease_epoch = 0;                     // of effect.h's SendWrite
  std::map<std::string, std::string> headers = {};  // beside the connection's own
};

// What one list or watch is about.
struct Collection {
  ResourceType type = ResourceType::Pod;
  std::string ns;        // empty: all namespaces
  std::string agent_id;  // only objects with its label
};

// `continue_token` is the one of the page before.
ApiRequest render_list(const Collection& collection, const std::string& continue_token);
ApiRequest render_watch(const Collection& collection, const std::string& resource_version);
// InvalidInput for a key that is no place in the API: an empty name, "..", a missing namespace.
Result<ApiRequest> render_read(const ResourceKey& key);
Result<ApiRequest> render_write(const Action& action);

// The error that an answer is whose status is not 2xx. The message is the server's; that of a
// Secret only tells the reason, because it may quote values.
Error parse_error(const HttpResponse& response, ResourceType type);
// The error that a Status object in a watch is.
Error parse_status(const nlohmann::json& status, ResourceType type);

// The object in a successful answer to a read, or a write other than a delete.
Result<ResourceView> parse_object(const HttpResponse& response, ResourceType type);
// nullopt when the answer says the object is gone, else the object that is going.
Result<std::optional<ResourceView>> parse_delete_answer(const HttpResponse& response,
                                                        ResourceType type);

struct ListPage {
  std::vector<ResourceView> objects;
  std::string resource_version;
  std::string continue_token;  // empty at the last page
};
Result<ListPage> parse_list_page(const HttpResponse& response, ResourceType type);

// How long the server asks us to wait (Retry-After in seconds), at most k_retry_after_max.
constexpr Duration k_retry_after_max{60'000};
std::optional<Duration> parse_retry_after(const HttpResponse& response);

}  // namespace ray_gitops::kubernetes
