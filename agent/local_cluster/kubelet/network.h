#pragma once
// The pods' network: one bridge, one veth pair a pod, no way out and no way in from other machines.
// What is here runs `ip` (iproute2) in the caller's network namespace.

#include <string>
#include <vector>

#include <sys/types.h>

#include "agent/local_cluster/kubelet/process_plan.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::local_cluster {

struct BridgeOptions {
  std::string name = "raygitops0";  // at most 15 letters, digits, '-'
  std::string subnet = "10.88.0.0/24";
  std::string gateway;  // the bridge's own address
  int prefix_length = 24;
};

// Creates the bridge, or takes it over from an earlier run. Routing rules let only this host itself
// send to the subnet and the pods to nowhere but the subnet and the host, also where the host
// forwards packets for others. All addresses of Services (k_service_subnet) become addresses of
// this host, for as long as one bridge of a local cluster is there. Conflict when the subnet or
// theirs is in use by another interface.
Result<void> ensure_bridge(const BridgeOptions& options);
// The bridge, its rules and every pod interface on it. Nothing when there is none.
Result<void> remove_bridge(const BridgeOptions& options);

// The name of the pod's interface on the host: of the bridge and the address, at most 15 letters.
std::string pod_interface(const NetworkPlan& network);
// Pod interfaces that exist on the host for this bridge.
std::vector<std::string> read_pod_interfaces(const std::string& bridge);

// In the host's namespace: gives the process's namespace its end of a new pair. A leftover of the
// same name is replaced.
Result<void> attach_pod(const NetworkPlan& network, pid_t pid);
// In the pod's namespace: address, routes, interfaces up.
Result<void> configure_pod(const NetworkPlan& network);
// In the host's namespace. Nothing when it is gone.
void detach_pod(const NetworkPlan& network);

}  // namespace ray_gitops::local_cluster
