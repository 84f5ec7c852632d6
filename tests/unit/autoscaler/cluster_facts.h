#pragma once
// Groups, pods and Ray nodes, as tests of the planner write them.

#include <string>
#include <utility>

#include "reconcilers/autoscaler/planner.h"

namespace ray_gitops::test {

inline ResourceAmounts cpus(double count) { return {{"CPU", to_units(count)}}; }

inline std::string node_id_of(const std::string& pod) {
  std::string id;
  for (std::size_t index = 0; index < 2 * k_node_id_bytes; ++index)
    id += "0123456789abcdef"[static_cast<unsigned char>(pod[index % pod.size()]) % 16];
  return id;
}

inline autoscaler::Group group_of(const std::string& name, std::int64_t least, std::int64_t most) {
  autoscaler::Group group;
  group.name = name;
  group.capacity = cpus(1);
  group.replicas_min = least;
  group.replicas_max = most;
  return group;
}

inline autoscaler::WorkerPod pod_of(const std::string& name, const std::string& group = "small") {
  autoscaler::WorkerPod pod;
  pod.name = name;
  pod.uid = "uid-" + name;
  pod.group = group;
  pod.ip = "10.0.0." + name.substr(name.size() - 1);
  pod.ready = true;
  return pod;
}

// Idle for that long, or in use when it is 0.
inline RayNode node_of(const autoscaler::WorkerPod& pod, Duration idle) {
  RayNode node;
  node.node_id = node_id_of(pod.name);
  node.instance_id = pod.name;
  node.group = pod.group;
  node.status = idle.count() > 0 ? RayNodeStatus::Idle : RayNodeStatus::Running;
  node.total = cpus(1);
  node.available = cpus(idle.count() > 0 ? 1 : 0);
  node.idle = idle;
  node.ip = pod.ip;
  return node;
}

}  // namespace ray_gitops::test
