#include "reconcilers/declaration/serve_config_rules.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "reconcilers/declaration/json_access.h"
#include "reconcilers/declaration/rayservice_spec.h"
#include "reconcilers/declaration/syntax.h"
#include "reconcilers/declaration/yaml_reader.h"
#include "reconcilers/manifest/names.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

// Of these versions of Ray the fields are known.
constexpr Version k_first_known{2, 12, 0};
constexpr Version k_first_unknown{2, 61, 0};

constexpr std::string_view k_config_fields[] = {
    "applications",   "controller_options", "grpc_options",    "http_options",
    "logging_config", "proxy_location",     "target_capacity", "tracing_config"};
// Without `host` and `port`, which Ray refuses in a configuration of several applications.
constexpr std::string_view k_application_fields[] = {
    "args",        "autoscaling_policy", "deployments", "external_scaler_enabled",
    "import_path", "logging_config",     "name",        "route_prefix",
    "runtime_env"};
constexpr std::string_view k_deployment_fields[] = {"autoscaling_config",
                                                    "backpressure_config",
                                                    "deployment_actors",
                                                    "gang_scheduling_config",
                                                    "graceful_shutdown_timeout_s",
                                                    "graceful_shutdown_wait_loop_s",
                                                    "health_check_period_s",
                                                    "health_check_timeout_s",
                                                    "logging_config",
                                                    "max_ongoing_requests",
                                                    "max_queued_requests",
                                                    "max_replicas_per_node",
                                                    "max_surge_percent",
                                                    "name",
                                                    "num_replicas",
                                                    "placement_group_bundle_label_selector",
                                                    "placement_group_bundles",
                                                    "placement_group_strategy",
                                                    "ray_actor_options",
                                                    "request_router_config",
                                                    "rolling_update_percentage",
                                                    "user_config"};
constexpr std::string_view k_mappings[] = {
    "args",           "autoscaling_config", "controller_options", "grpc_options",   "http_options",
    "logging_config", "ray_actor_options",  "runtime_env",        "tracing_config", "user_config"};

template <class List>
bool holds(const List& list, std::string_view text) {
  return std::find(std::begin(list), std::end(list), text) != std::end(list);
}

// Ray, ServeApplicationSchema.import_path: "module:name" or "module.name".
bool is_import_path(const std::string& text) {
  std::size_t separator = text.find(':');
  if (separator != text.rfind(':')) return false;
  if (separator == std::string::npos) separator = text.rfind('.');
  return separator != std::string::npos && separator > 0 && separator + 1 < text.size();
}

// Ray Serve, validate_route_prefix, which it applies to what stands in code only.
bool is_route_prefix(const std::string& text) {
  return text == "/" || (text.starts_with("/") && !text.ends_with("/") &&
                         text.find_first_of("{}") == std::string::npos);
}

class ServeConfigChecker {
 public:
  ServeConfigChecker(const YamlDocument& config, const Path& field,
                     const std::optional<Version>& version, Findings& findings)
      : config_(config),
        field_(field),
        knows_version_(!version || (*version >= k_first_known && *version < k_first_unknown)),
        findings_(findings) {}

  void check() {
    check_fields(config_.root, {}, k_config_fields, "a Serve configuration");
    if (text_at(config_.root, {"proxy_location"}) == "Disabled")
      error(Rule::ServeConfig, Path{{"proxy_location"}},
            "proxy_location is Disabled: nothing would take requests",
            "write EveryNode, or leave it out");
    const Json& applications = at_or_null(config_.root, {"applications"});
    if (!applications.is_array() || applications.empty())
      return error(Rule::ServeConfig, Path{{"applications"}}, "there is no list of applications",
                   "write `applications:` with at least one entry");
    for (std::size_t index = 0; index < applications.size(); ++index)
      check_application(applications[index], Path{{"applications"}} / index);
  }

 private:
  void check_fields(const Json& object, const Path& place, std::span<const std::string_view> known,
                    const std::string& what) {
    for (const auto& [key, value] : object.items()) {
      if (!holds(known, key))
        unknown_field(place / key, "`" + printable(key, 64) + "` is not a field of " + what);
      else if (holds(k_mappings, key) && !value.is_null() && !value.is_object())
        error(Rule::ServeConfig, place / key, "`" + key + "` is not a mapping",
              "write a mapping, or leave it out");
    }
  }

  // Other versions of Ray may know it.
  void unknown_field(const Path& place, const std::string& found) {
    if (knows_version_)
      error(Rule::ServeField, place, found + "; Ray would pass over it",
            "correct its name, or remove it");
    else
      findings_.warning(Rule::ServeField, field_, located(place, found + " in Ray 2.60"),
                        "make sure that your version of Ray has it");
  }

  void check_application(const Json& application, const Path& place) {
    if (!application.is_object())
      return error(Rule::ServeApplication, place, "an application is not a mapping",
                   "write its name, route_prefix and import_path");
    check_fields(application, place, k_application_fields, "an application");
    check_name(application, place);
    check_route(application, place);
    if (!is_import_path(text_at(application, {"import_path"})))
      error(Rule::ServeApplication, place / "import_path", "an application has no import path",
            "write import_path: module:name");
    check_runtime_environment(at_or_null(application, {"runtime_env"}), place / "runtime_env");
    check_deployments(at_or_null(application, {"deployments"}), place / "deployments");
  }

  void check_name(const Json& application, const Path& place) {
    const std::string name = application_name(application);
    const Json* written = find(application, {"name"});
    if (name.empty() || (written != nullptr && !written->is_string()))
      error(Rule::ServeApplication, place / "name", "an application's name is no text",
            "write a name, in quotes where it looks like a number");
    else if (!names_.insert(name).second)
      error(Rule::ServeApplication, place / "name",
            "another application before it is called `" + printable(name, 64) + "`",
            "give it another name");
  }

  // null: it answers no HTTP requests.
  void check_route(const Json& application, const Path& place) {
    const Json* written = find(application, {"route_prefix"});
    if (written != nullptr && written->is_null()) return;
    const std::string route = written == nullptr ? "/" : text_at(application, {"route_prefix"});
    if (!is_route_prefix(route))
      error(Rule::ServeApplication, place / "route_prefix",
            "the route prefix is `" + printable(route, 64) + "`",
            "write / or /name, without / at the end and without braces");
    else if (!routes_.insert(route).second)
      error(Rule::ServeApplication, place / "route_prefix",
            "another application before it has the route prefix `" + printable(route, 64) + "`",
            "give it a route_prefix of its own");
  }

  void check_deployments(const Json& deployments, const Path& place) {
    if (!deployments.is_null() && !deployments.is_array())
      return error(Rule::ServeApplication, place, "`deployments` is not a list",
                   "write a list of mappings with name");
    std::set<std::string> names;
    for (std::size_t index = 0; index < deployments.size(); ++index)
      check_deployment(deployments[index], place / index, names);
  }

  void check_deployment(const Json& deployment, const Path& place, std::set<std::string>& names) {
    const std::string name = text_at(deployment, {"name"});
    if (name.empty())
      return error(Rule::ServeApplication, place, "a deployment has no name",
                   "write the name of its class or function");
    if (!names.insert(name).second)
      error(Rule::ServeApplication, place / "name",
            "another deployment before it is called `" + printable(name, 64) + "`",
            "write all options of a deployment in one place");
    check_fields(deployment, place, k_deployment_fields, "a deployment");
    check_runtime_environment(at_or_null(deployment, {"ray_actor_options", "runtime_env"}),
                              place / "ray_actor_options" / "runtime_env");
  }

  void check_runtime_environment(const Json& environment, const Path& place) {
    check_is_uri(at_or_null(environment, {"working_dir"}), place / "working_dir", "working_dir");
    for (const Json& module : at_or_null(environment, {"py_modules"}))
      check_is_uri(module, place / "py_modules", "py_modules");
  }

  void check_is_uri(const Json& value, const Path& place, const std::string& name) {
    if (!value.is_string() || is_uri(value.get_ref<const std::string&>())) return;
    error(Rule::ServeRuntimeEnvironment, place, name + " of a runtime_env is a path",
          "write local:///folder for what every Ray pod has there, or a remote URI");
  }

  std::string located(const Path& place, const std::string& found) const {
    return "line " + std::to_string(locate(*config_.source, place).key.line) +
           " of serveConfigV2: " + found;
  }

  void error(Rule rule, const Path& place, const std::string& found, std::string write) {
    findings_.error(rule, field_, located(place, found), std::move(write));
  }

  const YamlDocument& config_;
  const Path& field_;
  bool knows_version_;
  Findings& findings_;
  std::set<std::string> names_;
  std::set<std::string> routes_;
};

}  // namespace

std::optional<std::int64_t> check_serve_config(const nlohmann::json& spec, const Path& path,
                                               Findings& findings) {
  const Path field = path / "serveConfigV2";
  const std::string text = text_at(spec, {"serveConfigV2"});
  if (text.empty()) {
    findings.error(Rule::ServeConfig, find(spec, {"serveConfigV2"}) ? field : path,
                   "there is no Serve configuration",
                   "write serveConfigV2 with at least one application");
    return std::nullopt;
  }
  const YamlDocument config = read_yaml({text, 1}, "serveConfigV2");
  for (const Diagnostic& problem : config.diagnostics)
    findings.error(Rule::ServeConfig, field,
                   "line " + std::to_string(problem.line) + " of serveConfigV2: " + problem.found,
                   problem.write);
  if (!config.diagnostics.empty()) return std::nullopt;
  if (!config.root.is_object()) {
    findings.error(Rule::ServeConfig, field, "serveConfigV2 is not a YAML mapping",
                   "write a mapping with `applications:`");
    return std::nullopt;
  }
  ServeConfigChecker(config, field,
                     parse_version(text_at(spec, {"rayClusterConfig", "rayVersion"})), findings)
      .check();
  return integer_at(config.root, {"http_options", "port"}, k_serve_port);
}

}  // namespace ray_gitops
