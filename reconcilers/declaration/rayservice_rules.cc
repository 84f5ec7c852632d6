#include "reconcilers/declaration/rayservice_rules.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include <re2/re2.h>

#include "reconcilers/declaration/json_access.h"
#include "reconcilers/declaration/raycluster_rules.h"
#include "reconcilers/declaration/serve_config_rules.h"
#include "reconcilers/declaration/syntax.h"
#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

void check_upgrade(const Json& spec, const Path& path, Findings& findings) {
  if (text_at(spec, {"upgradeStrategy", "type"}) != "NewClusterWithIncrementalUpgrade") return;
  const Path strategy = path / "upgradeStrategy";
  if (!flag_at(spec, {"rayClusterConfig", "enableInTreeAutoscaling"}))
    findings.error(Rule::ServiceUpgrade, strategy / "type",
                   "a step-by-step upgrade without autoscaling",
                   "write enableInTreeAutoscaling: true in rayClusterConfig");
  const Json* options = find(spec, {"upgradeStrategy", "clusterUpgradeOptions"});
  if (options == nullptr)
    return findings.error(Rule::ServiceUpgrade, strategy,
                          "a step-by-step upgrade without clusterUpgradeOptions", "add them");
  const std::int64_t step = integer_at(*options, {"stepSizePercent"}, 0);
  if (step > integer_at(*options, {"maxSurgePercent"}, 100))
    findings.error(Rule::ServiceUpgrade, strategy / "clusterUpgradeOptions" / "stepSizePercent",
                   "stepSizePercent is greater than maxSurgePercent", "make it the smaller one");
  if (step == 0)
    findings.error(Rule::ServiceUpgrade, strategy / "clusterUpgradeOptions" / "stepSizePercent",
                   "stepSizePercent is 0: traffic would never move", "write 1 or more");
}

// A Go duration ("1h30m", "45s") or whole seconds; zero is no timeout.
bool is_positive_duration(const std::string& text) {
  static const re2::RE2 k_pattern("\\+?([0-9]{1,9}|([0-9]{1,9}(\\.[0-9]{0,9})?(h|m|s|ms|us|ns))+)");
  return re2::RE2::FullMatch(text, k_pattern) &&
         text.find_first_of("123456789") != std::string::npos;
}

void check_timeout(const Json& document, Findings& findings) {
  const char* key = "ray.io/initializing-timeout";
  const Json* timeout = find(document, {"metadata", "annotations", key});
  if (timeout == nullptr || is_positive_duration(timeout->get<std::string>())) return;
  findings.error(Rule::InitializingTimeout, Path{{"metadata", "annotations", key}},
                 "the timeout is `" + printable(timeout->get<std::string>(), 64) + "`",
                 "write a duration such as 10m, or whole seconds");
}

bool is_serve_port(const Json& port) { return is_serve_port_name(text_at(port, {"name"})); }

// The numbers of the ports that lead to Serve, as the serve Service is made (see
// serve_service_body).
std::set<std::int64_t> serve_port_numbers(const Json& listed) {
  std::set<std::int64_t> numbers;
  if (listed.empty()) numbers.insert(k_serve_port);
  for (const Json& port : listed)
    if (is_serve_port(port)) numbers.insert(integer_at(port, {"containerPort"}, 0));
  return numbers;
}

// Ports that the user lists in serveService are taken as they are.
void check_ports(const Json& spec, std::optional<std::int64_t> http_port, const Path& path,
                 Findings& findings) {
  const Json& users = at_or_null(spec, {"serveService", "spec", "ports"});
  if (users.is_array() && !users.empty()) return;
  const Json& containers =
      at_or_null(spec, {"rayClusterConfig", "headGroupSpec", "template", "spec", "containers"});
  if (containers.empty()) return;
  const std::set<std::int64_t> numbers =
      serve_port_numbers(at_or_null(containers.front(), {"ports"}));
  const std::string wanted =
      "{name: serve, containerPort: " + std::to_string(http_port.value_or(k_serve_port)) + "}";
  if (numbers.empty())
    findings.error(Rule::ServePort,
                   path / "rayClusterConfig" / "headGroupSpec" / "template" / "spec" /
                       "containers" / 0 / "ports",
                   "no port of the head's Ray container is named `serve` or `serve-...`",
                   "add " + wanted);
  else if (http_port && !numbers.contains(*http_port))
    findings.warning(Rule::ServePort, path / "serveConfigV2",
                     "Serve listens on port " + std::to_string(*http_port) +
                         ", but no serve port of the head's Ray container has this number",
                     "write " + wanted + " there");
}

void check_serve_labels(const Json& group, const Path& path, Findings& findings) {
  const auto refuse = [&](const Path& place) {
    findings.error_at_key(Rule::ServeLabel, place / labels::k_serve,
                          std::string("pods have a label ") + labels::k_serve,
                          "remove it; the agent sets it on pods that serve");
  };
  if (find(group, {"labels", labels::k_serve})) refuse(path / "labels");
  if (find(group, {"template", "metadata", "labels", labels::k_serve}))
    refuse(path / "template" / "metadata" / "labels");
}

void check_pods(const Json& cluster, const Path& path, Findings& findings) {
  check_serve_labels(at_or_null(cluster, {"headGroupSpec"}), path / "headGroupSpec", findings);
  const Json& groups = at_or_null(cluster, {"workerGroupSpecs"});
  for (std::size_t index = 0; index < groups.size(); ++index)
    check_serve_labels(groups[index], path / "workerGroupSpecs" / index, findings);
}

void check_service_name(const Json& spec, const Path& path, Findings& findings) {
  const std::string name = text_at(spec, {"serveService", "metadata", "name"});
  if (name.empty() || is_dns1035_label(name)) return;
  findings.error(Rule::ObjectName, path / "serveService" / "metadata" / "name",
                 "the name is `" + printable(name, 64) + "`",
                 "write at most 63 of a-z, 0-9 and -, with a letter first and a letter or digit "
                 "last");
}

}  // namespace

void check_rayservice(const nlohmann::json& document, Findings& findings) {
  const Json& spec = at_or_null(document, {"spec"});
  const Json& cluster = at_or_null(spec, {"rayClusterConfig"});
  const Path path{{"spec"}};
  check_raycluster_spec(cluster, path / "rayClusterConfig", at_or_null(document, {"metadata"}),
                        ClusterOwner::Service, findings);
  check_pods(cluster, path / "rayClusterConfig", findings);
  check_upgrade(spec, path, findings);
  check_timeout(document, findings);
  check_ports(spec, check_serve_config(spec, path, findings), path, findings);
  check_service_name(spec, path, findings);
}

}  // namespace ray_gitops
