#include "reconcilers/declaration/rayjob_rules.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <re2/re2.h>

#include "reconcilers/declaration/cron_rules.h"
#include "reconcilers/declaration/json_access.h"
#include "reconcilers/declaration/owned_cluster.h"
#include "reconcilers/declaration/raycluster_rules.h"
#include "reconcilers/declaration/syntax.h"
#include "reconcilers/declaration/yaml_reader.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

class JobChecker {
 public:
  JobChecker(const Json& spec, const Path& path, const Json& metadata, Findings& findings)
      : spec_(spec),
        path_(path),
        metadata_(metadata),
        findings_(findings),
        mode_(text_at(spec, {"submissionMode"})),
        selects_(find(spec, {"clusterSelector"}) != nullptr),
        shuts_down_(flag_at(spec, {"shutdownAfterJobFinishes"})) {}

  void check() {
    check_cluster();
    check_lifetime();
    check_submission();
    check_deletion(path_ / "deletionStrategy");
    check_entrypoint();
    check_job_id();
    check_metadata();
    check_runtime_environment();
    check_entrypoint_resources();
  }

 private:
  void check_cluster() {
    if (const Json* cluster = find(spec_, {"rayClusterSpec"}))
      check_raycluster_spec(*cluster, path_ / "rayClusterSpec", metadata_, ClusterOwner::Job,
                            findings_);
    else if (!selects_)
      error(Rule::JobCluster, path_, "there is neither rayClusterSpec nor clusterSelector",
            "add one of the two");
    if (selects_ && !is_dns1035_label(text_at(spec_, {"clusterSelector", "ray.io/cluster"})))
      error(Rule::JobCluster, path_ / "clusterSelector", "clusterSelector names no cluster",
            "write ray.io/cluster: <name of a RayCluster>");
    if (selects_ && find(spec_, {"rayClusterSpec"}))
      findings_.warning(Rule::JobCluster, path_ / "rayClusterSpec",
                        "rayClusterSpec beside clusterSelector has no effect",
                        "keep one of the two");
    if (selects_ && integer_at(spec_, {"backoffLimit"}, 0) > 0)
      error(Rule::JobCluster, path_ / "backoffLimit",
            "backoffLimit goes with clusters that are made for the job", "remove it");
  }

  void check_lifetime() {
    if (flag_at(spec_, {"suspend"}) && !shuts_down_)
      error(Rule::JobSuspend, path_ / "suspend", "suspend without shutdownAfterJobFinishes: true",
            "write shutdownAfterJobFinishes: true");
    if (flag_at(spec_, {"suspend"}) && selects_)
      error(Rule::JobSuspend, path_ / "suspend", "suspend with clusterSelector", "remove one");
    if (integer_at(spec_, {"ttlSecondsAfterFinished"}, 0) > 0 && !shuts_down_)
      error(Rule::JobDeletion, path_ / "ttlSecondsAfterFinished",
            "ttlSecondsAfterFinished without shutdownAfterJobFinishes: true",
            "write shutdownAfterJobFinishes: true");
  }

  void check_submission() {
    if (mode_ == "InteractiveMode" && integer_at(spec_, {"backoffLimit"}, 0) > 0)
      error(Rule::JobSubmission, path_ / "backoffLimit", "backoffLimit with InteractiveMode",
            "remove it");
    if (mode_ != "SidecarMode") return;
    for (const char* field : {"clusterSelector", "submitterPodTemplate", "submitterConfig"})
      if (find(spec_, {field}))
        error(Rule::JobSubmission, path_ / field, std::string(field) + " with SidecarMode",
              "remove it");
    const std::string policy =
        text_at(spec_, {"rayClusterSpec", "headGroupSpec", "template", "spec", "restartPolicy"});
    if (!policy.empty() && policy != "Never")
      error(Rule::JobSubmission,
            path_ / "rayClusterSpec" / "headGroupSpec" / "template" / "spec" / "restartPolicy",
            "the head's restartPolicy is " + policy + " with SidecarMode",
            "write Never, or leave it out");
  }

  void check_deletion(const Path& path) {
    const Json* strategy = find(spec_, {"deletionStrategy"});
    if (strategy == nullptr) return;
    const bool has_rules = find(*strategy, {"deletionRules"}) != nullptr;
    const bool on_success = find(*strategy, {"onSuccess"}) != nullptr;
    const bool on_failure = find(*strategy, {"onFailure"}) != nullptr;
    if (has_rules && shuts_down_)
      error(Rule::JobDeletion, path / "deletionRules",
            "deletionRules with shutdownAfterJobFinishes: true", "keep one of the two");
    if (has_rules && (on_success || on_failure))
      error(Rule::JobDeletion, path, "deletionRules beside onSuccess or onFailure",
            "keep deletionRules only");
    if (!has_rules && !(on_success && on_failure))
      error(Rule::JobDeletion, path, "a deletionStrategy that is not whole",
            "write deletionRules, or both onSuccess and onFailure");
    for (const char* when : {"onSuccess", "onFailure"})
      check_policy(text_at(*strategy, {when, "policy"}), path / when / "policy", shuts_down_);
    check_rules(at_or_null(*strategy, {"deletionRules"}), path / "deletionRules");
  }

  void check_policy(const std::string& policy, const Path& path, bool forbids_none) {
    const bool touches_cluster = policy == "DeleteCluster" || policy == "DeleteWorkers";
    if (selects_ && touches_cluster)
      error(Rule::JobDeletion, path, policy + " with clusterSelector",
            "write DeleteSelf or DeleteNone");
    if (policy == "DeleteWorkers" && flag_at(spec_, {"rayClusterSpec", "enableInTreeAutoscaling"}))
      error(Rule::JobDeletion, path, "DeleteWorkers with autoscaling", "write another policy");
    if (policy == "DeleteNone" && forbids_none)
      error(Rule::JobDeletion, path, "DeleteNone with shutdownAfterJobFinishes: true",
            "keep one of the two");
  }

  void check_rules(const Json& rules, const Path& path) {
    std::set<std::pair<std::string, std::string>> seen;
    std::map<std::string, std::map<std::string, std::int64_t>> seconds;  // condition, policy
    for (std::size_t index = 0; index < rules.size(); ++index) {
      const Json& condition = at_or_null(rules[index], {"condition"});
      const std::string policy = text_at(rules[index], {"policy"});
      const std::string job = text_at(condition, {"jobStatus"});
      const std::string deployment = text_at(condition, {"jobDeploymentStatus"});
      check_policy(policy, path / index / "policy", false);
      if (job.empty() == deployment.empty())
        error(Rule::JobDeletion, path / index / "condition",
              "a condition with both or neither of jobStatus and jobDeploymentStatus",
              "write one of the two");
      const std::string when = job.empty() ? "deployment " + deployment : "job " + job;
      if (!seen.emplace(policy, when).second)
        error(Rule::JobDeletion, path / index, "another rule has this policy and condition",
              "remove one of the two");
      seconds[when][policy] = integer_at(condition, {"ttlSeconds"}, 0);
    }
    for (const auto& [when, by_policy] : seconds) check_order(by_policy, path);
  }

  // What deletes more must not come first.
  void check_order(const std::map<std::string, std::int64_t>& by_policy, const Path& path) {
    std::int64_t earlier = 0;
    for (const char* policy : {"DeleteWorkers", "DeleteCluster", "DeleteSelf"}) {
      const auto found = by_policy.find(policy);
      if (found == by_policy.end()) continue;
      if (found->second < earlier)
        error(Rule::JobDeletion, path,
              std::string(policy) + " comes before a rule that deletes less",
              "give it a ttlSeconds that is not smaller");
      earlier = std::max(earlier, found->second);
    }
  }

  void check_entrypoint() {
    const std::string entrypoint = text_at(spec_, {"entrypoint"});
    if (mode_ == "InteractiveMode" || entrypoint.find_first_not_of(" \t\r\n") != std::string::npos)
      return;
    error(Rule::JobEntrypoint, find(spec_, {"entrypoint"}) ? path_ / "entrypoint" : path_,
          "the job has no entrypoint", "write the command that it runs");
  }

  // Ray makes the name of a log file of it.
  void check_job_id() {
    static const re2::RE2 k_id("[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}");
    const std::string id = text_at(spec_, {"jobId"});
    if (id.empty() || re2::RE2::FullMatch(id, k_id)) return;
    error(Rule::JobId, path_ / "jobId", "jobId is `" + printable(id, 64) + "`",
          "write at most 128 letters, digits, . _ and -, without a dot first");
  }

  void check_metadata() {
    for (const auto& [key, value] : at_or_null(spec_, {"metadata"}).items())
      if (key.starts_with(k_own_prefix))
        findings_.error_at_key(Rule::JobMetadata, path_ / "metadata" / key,
                               "the key `" + printable(key, 64) + "` is the agent's",
                               "give it another beginning");
  }

  void check_runtime_environment() {
    const std::string text = text_at(spec_, {"runtimeEnvYAML"});
    if (text.empty()) return;
    const YamlDocument parsed = read_yaml({text, 1}, "runtimeEnvYAML");
    if (!parsed.complete || !parsed.diagnostics.empty() || !parsed.root.is_object())
      return error(Rule::JobRuntimeEnvironment, path_ / "runtimeEnvYAML",
                   "runtimeEnvYAML is not a YAML mapping",
                   "write a mapping such as `pip: [numpy]`");
    check_is_uri(at_or_null(parsed.root, {"working_dir"}), "working_dir");
    for (const Json& module : at_or_null(parsed.root, {"py_modules"}))
      check_is_uri(module, "py_modules");
  }

  // Ray takes such a job and fails it later: only a driver can upload folders of its own.
  void check_is_uri(const Json& place, const std::string& field) {
    if (!place.is_string() || is_uri(place.get_ref<const std::string&>())) return;
    error(Rule::JobRuntimeEnvironment, path_ / "runtimeEnvYAML",
          field + " in runtimeEnvYAML is a path",
          "write local:///folder for what every Ray pod has there, or a remote URI");
  }

  void check_entrypoint_resources() {
    const std::string text = text_at(spec_, {"entrypointResources"});
    if (text.empty()) return;
    const Result<Document> parsed = Document::parse(text);
    const bool fits = parsed.has_value() && parsed->json().is_object() &&
                      std::all_of(parsed->json().begin(), parsed->json().end(),
                                  [](const Json& amount) { return amount.is_number(); });
    if (!fits)
      error(Rule::JobEntrypointResources, path_ / "entrypointResources",
            "entrypointResources is not a JSON object of numbers",
            "write text such as '{\"special\": 1}'");
  }

  void error(Rule rule, const Path& path, std::string found, std::string write) {
    findings_.error(rule, path, std::move(found), std::move(write));
  }

  const Json& spec_;
  const Path& path_;
  const Json& metadata_;
  Findings& findings_;
  std::string mode_;
  bool selects_;
  bool shuts_down_;
};

}  // namespace

void check_rayjob_spec(const nlohmann::json& spec, const Path& path, const nlohmann::json& metadata,
                       Findings& findings) {
  JobChecker(spec, path, metadata, findings).check();
}

void check_raycronjob(const nlohmann::json& document, Findings& findings) {
  const Path path{{"spec"}};
  check_cron(text_at(document, {"spec", "schedule"}), path / "schedule", findings);
  check_time_zone(text_at(document, {"spec", "timeZone"}), path / "timeZone", findings);
  check_rayjob_spec(at_or_null(document, {"spec", "jobTemplate"}), path / "jobTemplate", {},
                    findings);
}

}  // namespace ray_gitops
