#pragma once
// A pod's status in the form the kubelet of a real cluster writes it.

#include <map>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "agent/local_cluster/kubelet/pod_plan.h"
#include "agent/local_cluster/kubelet/supervisor_state.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::local_cluster {

// What the probes say of a container's current run.
struct ContainerReadiness {
  bool started = true;
  bool ready = true;
  std::string why_not;  // the last failed probe, or empty
};

// Why a pod is over although its containers do not say so.
struct PodEnd {
  std::string reason;  // Lost, Terminated, SupervisorFailed
  std::string message;
};

struct PodFacts {
  const nlohmann::json& pod;           // with its present status: times of conditions stay
  std::string waits_for;               // a sentence while it is not assigned to the node, or empty
  std::optional<PlanProblem> problem;  // why it cannot be started as it is
  std::optional<PodState> state;       // what its supervisor says, once there is one
  std::optional<PodEnd> end;
  std::map<std::string, ContainerReadiness> readiness;  // by container; absent: not running
  std::string address;
  std::string host_address;
  WallTime now;
};

// The whole `status`. Equal facts give an equal status, whatever `now` is.
nlohmann::json compute_pod_status(const PodFacts& facts);

// Succeeded or Failed.
bool is_over(const nlohmann::json& pod);
// Status of the condition of that type is True.
bool has_condition(const nlohmann::json& pod, const std::string& type);

}  // namespace ray_gitops::local_cluster
