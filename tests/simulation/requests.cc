#include "tests/simulation/requests.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/view.h"
#include "reconcilers/model/check.h"

namespace ray_gitops::simulation {
namespace {

using Json = nlohmann::json;

// The server checks a uid and a resource version that stand in the body.
Document guarded(const Action& action) {
  Json body = action.body.json();
  if (!action.preconditions.uid.empty()) body["metadata"]["uid"] = action.preconditions.uid;
  if (!action.preconditions.resource_version.empty())
    body["metadata"]["resourceVersion"] = action.preconditions.resource_version;
  return Document{std::move(body)};
}

Document delete_options(const Preconditions& preconditions) {
  Json options{{"propagationPolicy", "Background"}};
  if (!preconditions.uid.empty()) options["preconditions"]["uid"] = preconditions.uid;
  if (!preconditions.resource_version.empty())
    options["preconditions"]["resourceVersion"] = preconditions.resource_version;
  return Document{std::move(options)};
}

// An apply that was meant for an object that is gone.
bool is_about_another_object(const Json& status) {
  const Json causes = status.value(Json::json_pointer("/details/causes"), Json::array());
  return std::any_of(causes.begin(), causes.end(),
                     [](const Json& cause) { return cause.value("field", "") == "metadata.uid"; });
}

ErrorCode code_of(int http, const Json& status) {
  const std::string reason = status.value("reason", "");
  if (is_about_another_object(status)) return ErrorCode::Conflict;
  switch (http) {
    case 403:
      return ErrorCode::Forbidden;
    case 404:
      return ErrorCode::NotFound;
    case 409:
      return reason == "AlreadyExists" ? ErrorCode::AlreadyExists : ErrorCode::Conflict;
    case 410:
      return ErrorCode::Expired;
    default:
      return http < 500 ? ErrorCode::Rejected : ErrorCode::Unavailable;
  }
}

}  // namespace

local_cluster::ApiRequest render_write(const Action& action) {
  local_cluster::ApiRequest request;
  request.target = {.type = local_cluster::find_type_by_plural(plural_of(action.target.type)),
                    .ns = action.target.ns,
                    .name = action.target.name,
                    .subresource = {}};
  request.query["fieldManager"] = k_field_manager;
  request.content_type = "application/json";
  switch (action.verb) {
    case Verb::Create:
      request.method = "POST";
      request.target.name.clear();
      request.body = action.body;
      break;
    case Verb::Apply:
      request.method = "PATCH";
      request.content_type = "application/apply-patch+yaml";
      request.body = guarded(action);
      break;
    case Verb::Replace:
      request.method = "PUT";
      request.body = guarded(action);
      break;
    case Verb::Delete:
      request.method = "DELETE";
      request.body = delete_options(action.preconditions);
      break;
  }
  return request;
}

Result<std::optional<ResourceView>> parse_answer(const Action& action,
                                                 const local_cluster::ApiAnswer& answer) {
  const Json& body = answer.body.json();
  if (answer.http >= 400)
    return fail(code_of(answer.http, body), body.value("message", ""), to_string(action.target));
  const bool is_status = body["kind"] == "Status";
  if (action.verb == Verb::Delete && is_status) return std::optional<ResourceView>{};
  return std::optional{TRY(parse_view(action.target.type, body))};
}

local_cluster::Selection agent_selection(ResourceType type, const std::string& ns,
                                         const std::string& agent_id) {
  local_cluster::Selection selection{.type = local_cluster::find_type_by_plural(plural_of(type)),
                                     .ns = ns};
  auto labels = local_cluster::parse_label_selector(std::string(labels::k_agent) + "=" + agent_id);
  CHECK(labels.has_value());
  selection.labels = std::move(*labels);
  return selection;
}

}  // namespace ray_gitops::simulation
