#pragma once
// What the API refuses and how it says so: the Status object of Kubernetes, as a value.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>
#include <tl/expected.hpp>

#include "agent/local_cluster/store/resource_types.h"

namespace ray_gitops::local_cluster {

struct ApiCause {
  std::string reason;  // FieldManagerConflict, FieldValueInvalid, FieldValueRequired, ...
  std::string message;
  std::string field;  // ".data.a" of conflicts, "spec.containers[0].image" of validation
};

struct ApiError {
  int http = 500;
  std::string reason;  // NotFound, AlreadyExists, Conflict, Invalid, BadRequest, Expired, ...
  std::string message;
  // details of the Status; empty members are left out.
  std::string group;
  std::string kind;  // the plural, or the kind for Invalid, as the real server has it
  std::string name;
  std::string uid;
  std::vector<ApiCause> causes;
  int retry_after_seconds = 0;  // 0: left out
};

template <class T>
class [[nodiscard]] ApiResult : public tl::expected<T, ApiError> {
 public:
  using tl::expected<T, ApiError>::expected;
};

inline tl::unexpected<ApiError> refuse(ApiError error) {
  return tl::unexpected<ApiError>(std::move(error));
}

// The body of the answer: {"kind":"Status","apiVersion":"v1",...}.
nlohmann::json to_status(const ApiError& error);

ApiError not_found(const ResourceType& type, const std::string& name);
ApiError already_exists(const ResourceType& type, const std::string& name, bool is_terminating);
// `why` follows "Operation cannot be fulfilled on <type> <name>: ".
ApiError conflict(const ResourceType& type, const std::string& name, const std::string& why);
// The same of a precondition of DELETE, where the real server names the kind, not the type.
ApiError deletion_conflict(const ResourceType& type, const std::string& name,
                           const std::string& why);
// 422 Invalid; the message lists the causes.
ApiError invalid(const ResourceType& type, const std::string& name, std::vector<ApiCause> causes);
// 500 without a reason, which kube-apiserver has for some mistakes of its clients.
ApiError failed(const std::string& message);
ApiError bad_request(const std::string& message);
ApiError forbidden(const ResourceType& type, const std::string& name, const std::string& why);
ApiError too_large(const ResourceType& type, const std::string& name);
// 504: the revision asked for is one that this store has not reached.
ApiError not_reached_yet(std::int64_t asked, std::int64_t current);
ApiError method_not_allowed();
ApiError unsupported_media_type(const std::string& content_type);
// 410: the revision or the continue token is older than the history kept.
ApiError expired(std::int64_t asked, std::int64_t oldest);
// 404 of a path that names no resource type.
ApiError no_such_path();

}  // namespace ray_gitops::local_cluster
