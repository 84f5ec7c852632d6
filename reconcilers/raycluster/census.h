#pragma once
// Who is who among the pods that carry a cluster's label.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/view.h"

namespace ray_gitops::raycluster {

using Pods = std::vector<const PodView*>;

struct Census {
  // Owned by the live anchor, not terminating, of the current incarnation:
  const PodView* head = nullptr;
  std::map<std::string, Pods> groups;  // workers by declared group, failed ones among them
  // Owned and not terminating, but not wanted as they are:
  Pods outdated;    // of an earlier incarnation, or joined to an earlier run of the head
  Pods undeclared;  // of a group that is not in the file
  Pods leaving;     // owned and terminating
  Pods others;      // not owned by the live anchor
};

// `pods` in order of name gives every list in that order.
Census take_census(const std::vector<PodView>& pods, const RayClusterSpec& spec,
                   const std::string& anchor_uid, std::int64_t incarnation);

// How long workers may still be ending within their grace period, when some are: their head should
// outlive them. A pod that stays longer (a lost node, a finalizer) holds up nothing.
std::optional<Duration> workers_end_within(const Census& census, WallTime now);

}  // namespace ray_gitops::raycluster
