#include "reconcilers/declaration/raycluster_rules.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <utility>

#include "reconcilers/declaration/fault_tolerance_rules.h"
#include "reconcilers/declaration/json_access.h"
#include "reconcilers/declaration/raycluster_spec.h"
#include "reconcilers/declaration/syntax.h"
#include "reconcilers/model/declaration.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

class ClusterChecker {
 public:
  ClusterChecker(const Json& spec, const Path& path, const Json& metadata, Findings& findings)
      : spec_(spec),
        path_(path),
        metadata_(metadata),
        findings_(findings),
        head_(at_or_null(spec, {"headGroupSpec"})),
        version_(parse_version(text_at(spec, {"rayVersion"}))) {}

  void check(ClusterOwner owner) {
    check_owner(owner);
    check_group(head_, path_ / "headGroupSpec");
    check_workers();
    check_autoscaling();
    check_fault_tolerance(spec_, path_, metadata_, findings_);
    check_authentication(owner);
    check_network_policy();
  }

 private:
  void check_owner(ClusterOwner owner) {
    if (owner != ClusterOwner::None && find(spec_, {"upgradeStrategy", "type"}))
      error(Rule::UpgradeStrategyOfOwner, path_ / "upgradeStrategy",
            "the cluster of a job or service has an upgradeStrategy", "remove it");
    const bool names_head = !text_at(head_, {"headService", "metadata", "name"}).empty();
    if (owner == ClusterOwner::Service && names_head)
      error(Rule::ServiceHeadName, path_ / "headGroupSpec" / "headService" / "metadata" / "name",
            "the head Service of a RayService's cluster has a name", "remove the name");
  }

  // What holds for the head and for each worker group.
  void check_group(const Json& group, const Path& path) {
    const Json& params = at_or_null(group, {"rayStartParams"});
    for (const char* param : {"num-cpus", "num-gpus", "memory", "resources"})
      if (!text_at(params, {param}).empty() && !at_or_null(group, {"resources"}).empty())
        error(Rule::RayResourcesTwice, path / "rayStartParams" / param,
              std::string("`") + param + "` is set and so is `resources`", "keep one of the two");
    if (find(params, {"labels"}))
      error(Rule::LabelsInStartParams, path / "rayStartParams" / "labels",
            "labels stand in rayStartParams", "move them to the group's `labels`");
    check_image(group, path);
  }

  void check_image(const Json& group, const Path& path) {
    const std::string image = ray_image_of(group);
    const std::size_t slash = image.rfind('/');
    const std::string name = image.substr(slash == std::string::npos ? 0 : slash + 1);
    const std::size_t colon = name.find(':');
    if (!version_ || colon == std::string::npos || name.compare(0, 3, "ray") != 0) return;
    const std::optional<Version> tag = parse_version(name.substr(colon + 1));
    if (!tag || *tag == *version_) return;
    findings_.warning(
        Rule::RayVersionMismatch, path / "template" / "spec" / "containers" / 0 / "image",
        "the image's tag says Ray " + to_string(*tag) + ", rayVersion says " + to_string(*version_),
        "make them equal");
  }

  void check_workers() {
    std::set<std::string> names;
    std::int64_t workers = 0;
    const Json& groups = at_or_null(spec_, {"workerGroupSpecs"});
    for (std::size_t index = 0; index < groups.size(); ++index) {
      const Path path = path_ / "workerGroupSpecs" / index;
      check_group(groups[index], path);
      check_group_name(groups[index], path / "groupName", names);
      check_bounds(groups[index], path);
      check_group_scaling(groups[index], path);
      workers += pods_of(groups[index]);
    }
    if (workers > k_workers_max)
      error(Rule::ReplicasTooMany, path_ / "workerGroupSpecs",
            "the groups ask for " + std::to_string(workers) + " workers together",
            "ask for at most " + std::to_string(k_workers_max));
  }

  static std::int64_t pods_of(const Json& group) {
    return scale_of(group).replicas *
           std::clamp<std::int64_t>(integer_at(group, {"numOfHosts"}, 1), 1, k_hosts_max);
  }

  void check_group_name(const Json& group, const Path& path, std::set<std::string>& names) {
    const std::string name = text_at(group, {"groupName"});
    if (!is_dns1123_label(name) || name == k_head_group_name)
      error(Rule::GroupName, path, "the group's name is `" + printable(name, 64) + "`",
            "write at most 63 of a-z, 0-9 and -, with a letter or digit at both ends, and not " +
                std::string(k_head_group_name));
    else if (!names.insert(name).second)
      error(Rule::DuplicateGroup, path, "another group before it is called `" + name + "`",
            "give it another name");
  }

  void check_bounds(const Json& group, const Path& path) {
    for (const char* field : {"replicas", "minReplicas", "maxReplicas"})
      if (const std::int64_t count = integer_at(group, {field}, 0); count < 0)
        error(Rule::ReplicaBounds, path / field,
              std::string(field) + " is " + std::to_string(count), "write 0 or more");
    const Scale scale = scale_of(group);
    if (scale.min > scale.max)
      error(Rule::ReplicaBounds, path / "minReplicas",
            "minReplicas " + std::to_string(scale.min) + " is greater than maxReplicas " +
                std::to_string(scale.max),
            "make minReplicas the smaller one");
    if (const std::int64_t hosts = integer_at(group, {"numOfHosts"}, 1);
        hosts < 1 || hosts > k_hosts_max)
      error(Rule::HostsPerReplica, path / "numOfHosts", "numOfHosts is " + std::to_string(hosts),
            "write a number from 1 to " + std::to_string(k_hosts_max) + ", or leave it out");
  }

  bool autoscaler_v2() const {
    if (text_at(spec_, {"autoscalerOptions", "version"}) == "v2") return true;
    const std::string word = environment_of(head_, "RAY_enable_autoscaler_v2").value_or("");
    return word == "1" || word == "true";
  }

  void check_group_scaling(const Json& group, const Path& path) {
    if (find(group, {"idleTimeoutSeconds"}) && !autoscaler_v2())
      error(Rule::AutoscalerVersionNeeded, path / "idleTimeoutSeconds",
            "idleTimeoutSeconds of a group needs autoscaler v2",
            "write autoscalerOptions.version: v2, or remove it");
    if (integer_at(group, {"priority"}, 0) != 0) {
      if (!autoscaler_v2())
        error(Rule::AutoscalerVersionNeeded, path / "priority",
              "priority of a group needs autoscaler v2",
              "write autoscalerOptions.version: v2, or remove it");
      need_version({2, 56, 0}, path / "priority", "priority of a group");
    }
    if (autoscaling() && flag_at(group, {"suspend"}))
      error(Rule::AutoscalerSettings, path / "suspend",
            "a group is suspended while autoscaling is on", "switch one of the two off");
    if (autoscaling() && text_at(spec_, {"autoscalerOptions", "version"}) == "v2")
      check_restart_policy(group, path);
  }

  bool autoscaling() const { return flag_at(spec_, {"enableInTreeAutoscaling"}); }

  void check_restart_policy(const Json& group, const Path& path) {
    const std::string policy = text_at(group, {"template", "spec", "restartPolicy"});
    if (!policy.empty() && policy != "Never")
      error(Rule::AutoscalerSettings, path / "template" / "spec" / "restartPolicy",
            "restartPolicy is " + policy + " with autoscaler v2", "write Never, or leave it out");
  }

  void check_autoscaling() {
    const std::optional<std::string> variable = environment_of(head_, "RAY_enable_autoscaler_v2");
    const Path container = path_ / "headGroupSpec" / "template" / "spec" / "containers" / 0 / "env";
    if (!autoscaling() && (variable == "1" || variable == "true"))
      error(Rule::AutoscalerSettings, container,
            "RAY_enable_autoscaler_v2 is set while autoscaling is off",
            "remove the variable, or write enableInTreeAutoscaling: true");
    const bool has_version = find(spec_, {"autoscalerOptions", "version"}) != nullptr;
    if (autoscaling() && has_version && variable)
      error(Rule::AutoscalerSettings, container,
            "RAY_enable_autoscaler_v2 and autoscalerOptions.version are both set",
            "remove the variable");
    if (autoscaling() && text_at(spec_, {"autoscalerOptions", "version"}) == "v2")
      check_restart_policy(head_, path_ / "headGroupSpec");
    for (const Json& entry : at_or_null(spec_, {"autoscalerOptions", "env"}))
      if (text_at(entry, {"name"}) == "KUBERAY_GEN_AUTOSCALER_START_CMD")
        error(Rule::AutoscalerSettings, path_ / "autoscalerOptions" / "env",
              "KUBERAY_GEN_AUTOSCALER_START_CMD is set", "remove it; it is made for you");
  }

  void check_authentication(ClusterOwner owner) {
    const Path path = path_ / "authOptions";
    const Json* options = find(spec_, {"authOptions"});
    if (options == nullptr) return;
    const std::string mode = text_at(*options, {"mode"});
    const bool token = mode == "token";
    // KubeRay's documentation and code differ on what is meant then (KubeRay 1.7, AuthOptions).
    if (mode.empty())
      error(Rule::AuthSettings, path, "authOptions says no mode",
            "write mode: token, or mode: disabled");
    if (token) need_version({2, 52, 0}, path / "mode", "token authentication");
    check_token_secret(*options, path / "secretName");
    if (token) check_token_variables();
    if (!flag_at(spec_, {"authOptions", "enableK8sTokenAuth"})) return;
    const Path flag = path / "enableK8sTokenAuth";
    need_version({2, 55, 0}, flag, "Kubernetes token authentication");
    if (!token)
      error(Rule::AuthSettings, flag, "enableK8sTokenAuth without mode: token",
            "write mode: token");
    if (find(spec_, {"authOptions", "secretName"}))
      error(Rule::AuthSettings, flag, "enableK8sTokenAuth and secretName are both set",
            "keep one of the two");
    if (owner != ClusterOwner::None)
      error(Rule::AuthSettings, flag, "enableK8sTokenAuth in the cluster of a job or service",
            "remove it");
  }

  // The agent could not know what pods then ask for.
  void check_token_variables() {
    check_token_variables(head_, path_ / "headGroupSpec");
    const Json& groups = at_or_null(spec_, {"workerGroupSpecs"});
    for (std::size_t index = 0; index < groups.size(); ++index)
      check_token_variables(groups[index], path_ / "workerGroupSpecs" / index);
  }
  void check_token_variables(const Json& group, const Path& path) {
    for (const char* variable : {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN"})
      if (environment_of(group, variable))
        error(Rule::AuthSettings, path / "template" / "spec" / "containers" / 0 / "env",
              std::string(variable) + " is set, and mode: token sets it, too",
              "remove the variable, or write mode: disabled");
  }

  void check_token_secret(const Json& options, const Path& path) {
    if (find(options, {"secretName"}) == nullptr) return;
    const std::string name = text_at(options, {"secretName"});
    if (text_at(options, {"mode"}) != "token")
      error(Rule::AuthSettings, path, "secretName without mode: token", "write mode: token");
    if (!is_dns1123_subdomain(name))
      error(Rule::AuthSettings, path, "`" + printable(name, 64) + "` is no name of a Secret",
            "write lower-case letters, digits, '-' and '.'");
  }

  void need_version(Version needed, const Path& path, const std::string& feature) {
    if (version_ && *version_ >= needed) return;
    error(Rule::RayVersionNeeded, path,
          feature + " needs Ray " + to_string(needed) + ", rayVersion is `" +
              printable(text_at(spec_, {"rayVersion"}), 32) + "`",
          "write the rayVersion of your images when it is new enough");
  }

  void check_network_policy() {
    const Json& policy = at_or_null(spec_, {"networkPolicy"});
    const Path path = path_ / "networkPolicy";
    check_policy_rules(at_or_null(policy, {"head"}), path / "head");
    check_policy_rules(at_or_null(policy, {"worker"}), path / "worker");
    const Json& groups = at_or_null(policy, {"workerGroups"});
    for (std::size_t index = 0; index < groups.size(); ++index) {
      check_policy_rules(groups[index], path / "workerGroups" / index);
      if (!has_group(text_at(groups[index], {"groupName"})))
        error(Rule::NetworkPolicySettings, path / "workerGroups" / index / "groupName",
              "no worker group has this name", "write the name of a worker group");
    }
  }

  bool has_group(const std::string& name) const {
    const Json& groups = at_or_null(spec_, {"workerGroupSpecs"});
    return std::any_of(groups.begin(), groups.end(),
                       [&](const Json& group) { return text_at(group, {"groupName"}) == name; });
  }

  void check_policy_rules(const Json& rules, const Path& path) {
    const std::string mode = text_at(spec_, {"networkPolicy", "mode"});
    const char* useless = mode == "DenyAllEgress"    ? "ingressRules"
                          : mode == "DenyAllIngress" ? "egressRules"
                                                     : nullptr;
    if (useless != nullptr && !at_or_null(rules, {useless}).empty())
      error(Rule::NetworkPolicySettings, path / useless,
            std::string(useless) + " are given, but mode " + mode + " denies the other direction",
            "remove them, or change the mode");
  }

  void error(Rule rule, const Path& path, std::string found, std::string write) {
    findings_.error(rule, path, std::move(found), std::move(write));
  }

  const Json& spec_;
  const Path& path_;
  const Json& metadata_;
  Findings& findings_;
  const Json& head_;
  std::optional<Version> version_;
};

}  // namespace

void check_raycluster_spec(const nlohmann::json& spec, const Path& path,
                           const nlohmann::json& metadata, ClusterOwner owner, Findings& findings) {
  ClusterChecker(spec, path, metadata, findings).check(owner);
}

}  // namespace ray_gitops
