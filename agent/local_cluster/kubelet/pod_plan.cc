#include "agent/local_cluster/kubelet/pod_plan.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/kubelet/json_access.h"
#include "agent/local_cluster/kubelet/probe.h"
#include "agent/local_cluster/kubelet/quantity.h"
#include "agent/local_cluster/kubelet/volume_plan.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

constexpr const char* k_home = "/home/ray";  // of rayproject/ray images, also their WORKDIR
constexpr const char* k_system_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

tl::unexpected<PlanProblem> not_supported(std::string message) {
  return tl::unexpected(PlanProblem{"NotSupported", std::move(message)});
}

// What the image would bring, and what lets Ray run as one of several pods of one small host. The
// pod's own env wins.
Environment base_environment(const json& pod, const json& container, const std::string& hostname) {
  Environment result = {{"HOME", k_home},
                        {"USER", "ray"},
                        {"LOGNAME", "ray"},
                        {"LANG", "C.UTF-8"},
                        {"HOSTNAME", hostname},
                        {"PYTHONUNBUFFERED", "1"},
                        {"RAY_USAGE_STATS_ENABLED", "0"},
                        // gRPC's own resolver does not read /etc/hosts.
                        {"GRPC_DNS_RESOLVER", "native"},
                        // A head that lost a node by SIGKILL says so after 3 s instead of 15 s.
                        {"RAY_health_check_initial_delay_ms", "1000"},
                        {"RAY_health_check_period_ms", "1000"},
                        {"RAY_health_check_timeout_ms", "1000"},
                        {"RAY_health_check_failure_threshold", "3"}};
  // The drain must end before the grace period does.
  const std::int64_t drain = std::max<std::int64_t>(0, grace_seconds_of(pod) - 2);
  set_variable(result, "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S", std::to_string(drain));
  const json& limit = member(member(container, "resources"), "limits", "memory");
  const auto bytes = parse_quantity(text(limit));
  const std::int64_t objects =
      bytes ? std::max(k_object_store_bytes_min,
                       static_cast<std::int64_t>(*bytes * k_object_store_part))
            : k_object_store_bytes;
  set_variable(result, "RAY_DEFAULT_OBJECT_STORE_MAX_MEMORY_BYTES", std::to_string(objects));
  return result;
}

std::string find_value(const Environment& environment, const std::string& name,
                       const std::string& fallback) {
  for (const auto& [known, value] : environment) {
    if (known == name) return value;
  }
  return fallback;
}

PlanResult<std::vector<std::string>> plan_command(const json& container,
                                                  const Environment& environment) {
  const std::map<std::string, std::string> names(environment.begin(), environment.end());
  std::vector<std::string> result;
  for (const char* field : {"command", "args"}) {
    for (const json& word : elements(member(container, field))) {
      result.push_back(expand_references(text(word), names));
    }
  }
  if (elements(member(container, "command")).empty()) {
    return not_supported("container " + text(member(container, "name")) +
                         " has no command, and the local cluster pulls no image to take it from");
  }
  return result;
}

PlanResult<std::vector<std::string>> plan_pre_stop(const json& container) {
  std::vector<std::string> result;
  const json& lifecycle = member(container, "lifecycle");
  for (const json& word : elements(member(member(lifecycle, "preStop"), "exec", "command"))) {
    result.push_back(text(word));
  }
  const bool other_hook = lifecycle.is_object() && (member(lifecycle, "postStart").is_object() ||
                                                    (result.empty() && !lifecycle.empty()));
  if (!other_hook) return result;
  return not_supported("the local cluster has only lifecycle hooks of type preStop exec");
}

std::uint32_t id_of(const json& pod, const json& container, const char* field,
                    std::uint32_t fallback) {
  const json& of_container = member(container, "securityContext", field);
  const json& of_pod = member(member(pod, "spec"), "securityContext", field);
  const std::int64_t id = integer(of_container, integer(of_pod, fallback));
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(id, 0, 0xFFFFFFFE));
}

PlanResult<ContainerPlan> plan_container(const PlanInput& input, const json& container,
                                         const PodProcessPlan& pod_plan) {
  ContainerPlan plan;
  plan.name = text(member(container, "name"));
  const auto environment =
      choose_environment(text(member(container, "image")), input.ray_environments);
  if (!environment) {
    return tl::unexpected(PlanProblem{"ImageNotAvailable", describe(environment.error())});
  }
  plan.ray_environment = *environment;
  const EnvironmentInput sources{
      input.pod,       container, pod_plan.network.address, input.network.gateway,
      input.node_name, input.find};
  auto variables =
      resolve_environment(sources, base_environment(input.pod, container, pod_plan.hostname));
  if (!variables) {
    return tl::unexpected(
        PlanProblem{"CreateContainerConfigError", plan.name + ": " + variables.error().message});
  }
  plan.environment = std::move(*variables);
  set_variable(plan.environment, "PATH",
               *environment + "/bin:" + find_value(plan.environment, "PATH", k_system_path));
  auto command = plan_command(container, plan.environment);
  if (!command) return tl::unexpected(command.error());
  plan.command = std::move(*command);
  auto pre_stop = plan_pre_stop(container);
  if (!pre_stop) return tl::unexpected(pre_stop.error());
  plan.pre_stop = std::move(*pre_stop);
  auto mounts = plan_mounts(container, plan.environment, pod_plan.volumes);
  if (!mounts) return tl::unexpected(mounts.error());
  plan.mounts = std::move(*mounts);
  plan.working_directory = text(member(container, "workingDir"), k_home);
  plan.user = id_of(input.pod, container, "runAsUser", k_pod_user);
  plan.group = id_of(input.pod, container, "runAsGroup", k_pod_group);
  const auto probes = parse_probes(container);
  if (!probes) return not_supported(plan.name + ": " + probes.error().message);
  return plan;
}

PlanResult<void> check_supported(const json& pod) {
  const json& spec = member(pod, "spec");
  for (const char* field : {"hostNetwork", "hostPID", "hostIPC"}) {
    if (boolean(member(spec, field))) {
      return not_supported(std::string("the local cluster has no ") + field);
    }
  }
  for (const char* list : {"initContainers", "containers"}) {
    for (const json& container : elements(member(spec, list))) {
      const std::string name = text(member(container, "name"));
      if (boolean(member(container, "securityContext", "privileged"))) {
        return not_supported("the local cluster has no privileged containers (" + name + ")");
      }
      if (member(container, "restartPolicy").is_string()) {
        return not_supported("the local cluster has no sidecar init containers (" + name + ")");
      }
      const bool named = !name.empty() && name.find('/') == std::string::npos && name[0] != '.';
      if (!named) return not_supported("container name " + name);
    }
  }
  if (elements(member(spec, "containers")).empty()) return not_supported("a pod without container");
  return {};
}

}  // namespace

std::int64_t grace_seconds_of(const json& pod) {
  const json& of_deletion = member(pod, "metadata", "deletionGracePeriodSeconds");
  const json& of_spec = member(pod, "spec", "terminationGracePeriodSeconds");
  const std::int64_t seconds = integer(of_deletion, integer(of_spec, k_default_grace_seconds));
  return std::clamp<std::int64_t>(seconds, 0, k_grace_seconds_max);
}

bool is_ray_node(const json& pod) {
  return text(member(member(pod, "metadata"), "labels", "ray.io/is-ray-node")) == "yes";
}

RestartPolicy restart_policy_of(const json& pod) {
  const std::string name = text(member(pod, "spec", "restartPolicy"), "Always");
  if (name == "Never") return RestartPolicy::Never;
  return name == "OnFailure" ? RestartPolicy::OnFailure : RestartPolicy::Always;
}

PlanResult<PodProcessPlan> plan_pod(const PlanInput& input) {
  const auto supported = check_supported(input.pod);
  if (!supported) return tl::unexpected(supported.error());
  const json& metadata = member(input.pod, "metadata");
  PodProcessPlan plan;
  plan.ns = text(member(metadata, "namespace"));
  plan.name = text(member(metadata, "name"));
  plan.uid = text(member(metadata, "uid"));
  plan.hostname = text(member(input.pod, "spec", "hostname"), plan.name).substr(0, 63);
  plan.restart_policy = restart_policy_of(input.pod);
  plan.grace_seconds = grace_seconds_of(input.pod);
  const json& volume_group = member(member(input.pod, "spec"), "securityContext", "fsGroup");
  if (volume_group.is_number_integer()) {
    plan.volume_group = static_cast<std::uint32_t>(integer(volume_group));
  }
  plan.hidden = input.hidden;
  plan.network = input.network;
  auto volumes = plan_volumes(input.pod, input.find);
  if (!volumes) return tl::unexpected(volumes.error());
  plan.volumes = std::move(*volumes);
  for (const auto& [list, containers] : {std::pair{"initContainers", &plan.init_containers},
                                         std::pair{"containers", &plan.containers}}) {
    for (const json& container : elements(member(input.pod, "spec", list))) {
      auto planned = plan_container(input, container, plan);
      if (!planned) return tl::unexpected(planned.error());
      containers->push_back(std::move(*planned));
    }
  }
  return plan;
}

}  // namespace ray_gitops::local_cluster
