#include "agent/ray/serve.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/ray/text.h"
#include "reconcilers/manifest/json_members.h"
#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::ray {
namespace {

using Json = nlohmann::json;

constexpr const char* k_healthy = "HEALTHY";
constexpr const char* k_unknown_state = "UNKNOWN";

tl::unexpected<Error> no_answer(std::string message) {
  return fail(ErrorCode::Unavailable, std::move(message));
}

std::optional<ServeApplicationStatus> parse_status(const std::string& name) {
  for (const ServeApplicationStatus status :
       {ServeApplicationStatus::NotStarted, ServeApplicationStatus::Deploying,
        ServeApplicationStatus::DeployFailed, ServeApplicationStatus::Running,
        ServeApplicationStatus::Unhealthy, ServeApplicationStatus::Deleting})
    if (name == name_of(status)) return status;
  return std::nullopt;
}

std::string state_of(const Json& value) {
  constexpr std::size_t k_letters_max = 32;
  std::string state = text_of(value);
  const bool is_state = !state.empty() && state.size() <= k_letters_max &&
                        std::all_of(state.begin(), state.end(), [](char letter) {
                          return (letter >= 'A' && letter <= 'Z') || letter == '_';
                        });
  return is_state ? state : k_unknown_state;
}

ServeDeployment parse_deployment(const Json& answer) {
  ServeDeployment deployment;
  deployment.status = state_of(member(answer, "status"));
  const Json& replicas = member(answer, "replicas");
  if (!replicas.is_array()) return deployment;
  for (const Json& replica : replicas) {
    std::string state = state_of(member(replica, "state"));
    const bool is_full = deployment.replicas.size() >= k_serve_replica_states_max;
    if (is_full && !deployment.replicas.contains(state)) state = k_unknown_state;
    ++deployment.replicas[std::move(state)];
  }
  return deployment;
}

// The members of an object that is a list of named things; null stands for an empty one.
Result<const Json*> named_members(const Json& answer, const char* name, std::size_t count_max) {
  static const Json k_empty = Json::object();
  const Json& members = member(answer, name);
  if (members.is_null()) return &k_empty;
  if (!members.is_object())
    return no_answer(std::string("the head answered without a list of ") + name);
  if (members.size() > count_max)
    return no_answer(std::string("the head answered with too many ") + name + " (more than " +
                     std::to_string(count_max) + ")");
  for (const auto& entry : members.items())
    if (entry.key().size() > k_serve_name_bytes_max)
      return no_answer(std::string("the head answered with too long a name among its ") + name);
  return &members;
}

Result<ServeApplication> parse_application(const Json& answer) {
  ServeApplication application;
  const std::string status_name = text_of(member(answer, "status"));
  const auto status = parse_status(status_name);
  if (!status)
    return no_answer("the head answered with the unknown application status \"" +
                     printable(status_name, k_quoted_bytes_max) + "\"");
  application.status = *status;
  std::string message = text_of(member(answer, "message"));
  const Json* deployments = TRY(named_members(answer, "deployments", k_serve_deployments_max));
  for (const auto& [name, deployment] : deployments->items()) {
    ServeDeployment parsed = parse_deployment(deployment);
    const std::string complaint = text_of(member(deployment, "message"));
    if (parsed.status != k_healthy && !complaint.empty())
      message += (message.empty() ? "" : "\n") + end_of(complaint);
    application.deployments.emplace(name, std::move(parsed));
  }
  application.message = end_of(message);
  return application;
}

}  // namespace

Result<ServeInfo> parse_serve(const Json& answer) {
  if (!member(answer, "applications").is_object())
    return no_answer("the head answered without a list of applications");
  const Json* applications = TRY(named_members(answer, "applications", k_serve_applications_max));
  ServeInfo info;
  for (const auto& [name, application] : applications->items())
    info.applications.emplace(name, TRY(parse_application(application)));
  const Json& proxies = member(answer, "proxies");
  if (!proxies.is_object()) return info;
  for (const Json& proxy : proxies)
    if (const std::string ip = text_of(member(proxy, "node_ip"));
        !ip.empty() && member(proxy, "status") == k_healthy)
      info.proxies.insert(ip);
  return info;
}

}  // namespace ray_gitops::ray
