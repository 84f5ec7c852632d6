#pragma once
// Groups whose pods cannot be had now.

#include <map>
#include <string>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/time.h"
#include "reconcilers/raycluster/observed.h"

namespace ray_gitops::raycluster {

// How long a pod may take to start before its group counts as short of what it needs.
inline constexpr Duration k_start_patience = std::chrono::seconds(30);

// By group: why its pods cannot be had, to follow the group's name. A create that is refused (a
// quota, an admission), pods that fail again and again, or one that has a problem (unschedulable,
// its image cannot be had) and has not started within k_start_patience. Nothing on Unknown pods.
std::map<std::string, std::string> groups_in_trouble(const ObjectKey& cluster,
                                                     const RayClusterSpec& spec,
                                                     const ClusterObserved& observed, Now now);

}  // namespace ray_gitops::raycluster
