#pragma once
// What a pod of a group is to Ray before it runs (Ray 2.60, KubeRay autoscaling_config.py).

#include "reconcilers/model/autoscaling.h"
#include "reconcilers/model/declaration.h"

namespace ray_gitops::autoscaler {

// Resources and labels of the group's `ray start` line, which is where Ray takes them from:
// num-cpus, num-gpus, memory, resources and labels. CPU is missing when neither the file nor the
// container's limits and requests name it: Ray counts the machine's then, and nobody knows before.
struct GroupCapacity {
  ResourceAmounts resources;
  std::map<std::string, std::string> labels;
  friend bool operator==(const GroupCapacity&, const GroupCapacity&) = default;
};

// What is not a number, or not JSON, is left out: the file's check has named it.
GroupCapacity group_capacity(const GroupSpec& group);

}  // namespace ray_gitops::autoscaler
