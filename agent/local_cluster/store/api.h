#pragma once
// Requests and answers of the Kubernetes REST API as values.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/local_cluster/store/resource_types.h"
#include "agent/local_cluster/store/selectors.h"
#include "reconcilers/model/document.h"

namespace ray_gitops::local_cluster {

// What a path below /api or /apis names.
struct ApiTarget {
  const ResourceType* type = nullptr;
  std::string ns;           // empty: all namespaces, or a type without namespace
  std::string name;         // empty: the collection
  std::string subresource;  // "status", "log", "binding", or empty
};

// "/api/v1/namespaces/default/pods/a/log". nullopt when it names no known resource type.
std::optional<ApiTarget> parse_target(std::string_view path);

struct ApiRequest {
  std::string method;  // GET, POST, PUT, PATCH, DELETE
  ApiTarget target;
  std::map<std::string, std::string> query;  // decoded
  std::string content_type;                  // decides what a PATCH is
  std::string user_agent;                    // the field manager when the query names none
  Document body;                             // null when there is none
  bool wants_table = false;                  // GET only: a meta.k8s.io/v1 Table (kubectl get)
};

// What of the objects a Table carries beside its cells.
enum class TableObjects : std::uint8_t { Metadata, None, Whole };

struct ApiAnswer {
  int http = 200;
  Document body;
};

// namespace, labelSelector and fieldSelector of a list or watch request; a name selects it alone.
ApiResult<Selection> parse_selection(const ApiRequest& request);
bool is_watch(const ApiRequest& request);

}  // namespace ray_gitops::local_cluster
