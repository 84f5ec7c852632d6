#pragma once
// From a Pod object to what is run for it. Pure: Kubernetes' rules, and what Ray needs to run as
// one of several pods of one host.

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "agent/local_cluster/kubelet/environment.h"
#include "agent/local_cluster/kubelet/image.h"
#include "agent/local_cluster/kubelet/process_plan.h"

namespace ray_gitops::local_cluster {

// Pods run as this user and group unless they ask for another (the user of rayproject/ray images).
constexpr std::uint32_t k_pod_user = 1000;
constexpr std::uint32_t k_pod_group = 1000;
// What Ray may use for objects in a pod without a memory limit, and the part of the limit in a pod
// with one. Without it every node would take 30 % of the host's memory.
constexpr std::int64_t k_object_store_bytes = 200'000'000;
constexpr double k_object_store_part = 0.3;
constexpr std::int64_t k_object_store_bytes_min = 80'000'000;
constexpr std::int64_t k_default_grace_seconds = 30;
constexpr std::int64_t k_grace_seconds_max = 3600;

// Why a pod cannot be started as it is, as a waiting reason of its containers.
struct PlanProblem {
  std::string reason;  // ImageNotAvailable, CreateContainerConfigError, NotSupported
  std::string message;
};

struct PlanInput {
  const nlohmann::json& pod;
  NetworkPlan network;
  std::string node_name;
  std::vector<std::string> hidden;  // directories of the host that no pod may see
  const RayEnvironments& ray_environments;
  FindObject find;
};

template <class T>
using PlanResult = tl::expected<T, PlanProblem>;

PlanResult<PodProcessPlan> plan_pod(const PlanInput& input);

// metadata.deletionGracePeriodSeconds, spec.terminationGracePeriodSeconds or the default.
std::int64_t grace_seconds_of(const nlohmann::json& pod);
// A pod that runs a Ray node: label ray.io/is-ray-node=yes.
bool is_ray_node(const nlohmann::json& pod);
RestartPolicy restart_policy_of(const nlohmann::json& pod);

}  // namespace ray_gitops::local_cluster
