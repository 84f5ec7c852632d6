#include "reconcilers/declaration/rayservice_rules.h"

#include <cstdint>
#include <string>

#include <re2/re2.h>

#include "reconcilers/declaration/json_access.h"
#include "reconcilers/declaration/raycluster_rules.h"
#include "reconcilers/declaration/yaml_reader.h"

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

void check_serve_config(const Json& spec, const Path& path, Findings& findings) {
  const std::string text = text_at(spec, {"serveConfigV2"});
  if (text.empty()) return;
  const YamlDocument parsed = read_yaml({text, 1}, "serveConfigV2");
  if (!parsed.complete || !parsed.diagnostics.empty() || !parsed.root.is_object())
    findings.error(Rule::ServeConfig, path / "serveConfigV2", "serveConfigV2 is not a YAML mapping",
                   "write a mapping with `applications:`");
}

}  // namespace

void check_rayservice(const nlohmann::json& document, Findings& findings) {
  const Json& spec = at_or_null(document, {"spec"});
  const Path path{{"spec"}};
  check_raycluster_spec(at_or_null(spec, {"rayClusterConfig"}), path / "rayClusterConfig",
                        at_or_null(document, {"metadata"}), ClusterOwner::Service, findings);
  check_upgrade(spec, path, findings);
  check_timeout(document, findings);
  check_serve_config(spec, path, findings);
}

}  // namespace ray_gitops
