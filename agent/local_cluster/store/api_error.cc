#include "agent/local_cluster/store/api_error.h"

#include <nlohmann/json.hpp>

namespace ray_gitops::local_cluster {
namespace {

ApiError about(const ResourceType& type, const std::string& name) {
  ApiError error;
  error.group = type.group;
  error.kind = type.plural;
  error.name = name;
  return error;
}

// "ConfigMap", "Lease.coordination.k8s.io".
std::string qualified_kind_of(const ResourceType& type) {
  return std::string(type.kind) + (type.group.empty() ? "" : "." + std::string(type.group));
}

nlohmann::json render_details(const ApiError& error) {
  nlohmann::json details = nlohmann::json::object();
  const auto put = [&details](const char* field, const std::string& value) {
    if (!value.empty()) details[field] = value;
  };
  put("name", error.name);
  put("group", error.group);
  put("kind", error.kind);
  put("uid", error.uid);
  for (const ApiCause& cause : error.causes) {
    nlohmann::json entry{{"reason", cause.reason}, {"message", cause.message}};
    if (!cause.field.empty()) entry["field"] = cause.field;
    details["causes"].push_back(std::move(entry));
  }
  if (error.retry_after_seconds > 0) details["retryAfterSeconds"] = error.retry_after_seconds;
  return details;
}

// One cause stands alone; several are listed in brackets, as the real server joins them.
std::string join_causes(const std::vector<ApiCause>& causes) {
  std::string text;
  for (const ApiCause& cause : causes) {
    if (!text.empty()) text += ", ";
    text += cause.field + ": " + cause.message;
  }
  return causes.size() > 1 ? "[" + text + "]" : text;
}

}  // namespace

nlohmann::json to_status(const ApiError& error) {
  nlohmann::json status{
      {"kind", "Status"},    {"apiVersion", "v1"},       {"metadata", nlohmann::json::object()},
      {"status", "Failure"}, {"message", error.message}, {"code", error.http}};
  if (!error.reason.empty()) status["reason"] = error.reason;
  nlohmann::json details = render_details(error);
  if (!details.empty()) status["details"] = std::move(details);
  return status;
}

ApiError not_found(const ResourceType& type, const std::string& name) {
  ApiError error = about(type, name);
  error.http = 404;
  error.reason = "NotFound";
  error.message = qualified_name_of(type) + " \"" + name + "\" not found";
  return error;
}

ApiError already_exists(const ResourceType& type, const std::string& name, bool is_terminating) {
  ApiError error = about(type, name);
  error.http = 409;
  error.reason = "AlreadyExists";
  error.message = is_terminating ? "object is being deleted: " : "";
  error.message += qualified_name_of(type) + " \"" + name + "\" already exists";
  return error;
}

ApiError conflict(const ResourceType& type, const std::string& name, const std::string& why) {
  ApiError error = about(type, name);
  error.http = 409;
  error.reason = "Conflict";
  error.message =
      "Operation cannot be fulfilled on " + qualified_name_of(type) + " \"" + name + "\": " + why;
  return error;
}

ApiError deletion_conflict(const ResourceType& type, const std::string& name,
                           const std::string& why) {
  ApiError error = conflict(type, name, why);
  error.kind = type.kind;
  error.message =
      "Operation cannot be fulfilled on " + qualified_kind_of(type) + " \"" + name + "\": " + why;
  return error;
}

ApiError invalid(const ResourceType& type, const std::string& name, std::vector<ApiCause> causes) {
  ApiError error = about(type, name);
  error.http = 422;
  error.reason = "Invalid";
  error.kind = type.kind;
  error.message = qualified_kind_of(type) + " \"" + name + "\" is invalid: " + join_causes(causes);
  error.causes = std::move(causes);
  return error;
}

ApiError failed(const std::string& message) {
  ApiError error;
  error.message = message;
  return error;
}

ApiError bad_request(const std::string& message) {
  ApiError error;
  error.http = 400;
  error.reason = "BadRequest";
  error.message = message;
  return error;
}

ApiError forbidden(const ResourceType& type, const std::string& name, const std::string& why) {
  ApiError error = about(type, name);
  error.http = 403;
  error.reason = "Forbidden";
  error.message = qualified_name_of(type) + " \"" + name + "\" is forbidden: " + why;
  return error;
}

ApiError too_large(const ResourceType& type, const std::string& name) {
  ApiError error = about(type, name);
  error.http = 413;
  error.reason = "RequestEntityTooLarge";
  error.message = qualified_name_of(type) + " \"" + name + "\" is too large to be stored";
  return error;
}

ApiError not_reached_yet(std::int64_t asked, std::int64_t current) {
  ApiError error;
  error.http = 504;
  error.reason = "Timeout";
  error.message = "Timeout: Too large resource version: " + std::to_string(asked) +
                  ", current: " + std::to_string(current);
  error.causes = {{"ResourceVersionTooLarge", "Too large resource version", ""}};
  error.retry_after_seconds = 1;
  return error;
}

ApiError method_not_allowed() {
  ApiError error;
  error.http = 405;
  error.reason = "MethodNotAllowed";
  error.message = "the server does not allow this method on the requested resource";
  return error;
}

ApiError unsupported_media_type(const std::string& content_type) {
  ApiError error;
  error.http = 415;
  error.reason = "UnsupportedMediaType";
  error.message = "the body of the request was in an unknown format: " + content_type;
  return error;
}

ApiError expired(std::int64_t asked, std::int64_t oldest) {
  ApiError error;
  error.http = 410;
  error.reason = "Expired";
  error.message =
      "too old resource version: " + std::to_string(asked) + " (" + std::to_string(oldest) + ")";
  return error;
}

ApiError no_such_path() {
  ApiError error;
  error.http = 404;
  error.reason = "NotFound";
  error.message = "the server could not find the requested resource";
  return error;
}

}  // namespace ray_gitops::local_cluster
