#pragma once
// The `ray start` line of a group's pods (KubeRay 1.7, "The ray start line").

#include <map>
#include <string>

#include "reconcilers/model/declaration.h"

namespace ray_gitops {

inline constexpr const char* k_gcs_port_default = "6379";

// Flags after KubeRay's rules: what the user wrote, the group's resources and labels, what the Ray
// container's limits imply, and what is added when missing. `address` is "<head name>:<port>" for a
// worker group and empty for the head.
std::map<std::string, std::string> ray_start_params(const GroupSpec& group,
                                                    const std::string& address);

// "ray start --head  --block  --num-cpus=1 ": keys sorted, spaces as KubeRay writes them.
std::string render_ray_start(const std::map<std::string, std::string>& params, bool head);

// rayStartParams["port"] of the head as written, or 6379.
std::string gcs_port(const RayClusterSpec& spec);

// rayStartParams["dashboard-agent-listen-port"] of the head as written, or 52365.
std::string agent_port(const RayClusterSpec& spec);

// rayStartParams["dashboard-port"] of the head as written, or 8265.
std::string dashboard_port(const RayClusterSpec& spec);

}  // namespace ray_gitops
