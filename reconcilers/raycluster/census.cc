#include "reconcilers/raycluster/census.h"

#include <algorithm>

namespace ray_gitops::raycluster {
namespace {

// A head container that was restarted in place has a new GCS, which does not know the workers that
// were started before it.
bool joined_an_earlier_head(const PodView& worker, const PodView* head) {
  return head != nullptr && head->ray_restart_count > 0 && head->ray_started_at &&
         worker.ray_started_at && *worker.ray_started_at < *head->ray_started_at;
}

const PodView* find_head(const std::vector<PodView>& pods, const std::string& anchor_uid,
                         std::int64_t incarnation) {
  for (const PodView& pod : pods)
    if (pod.meta.owner_uid == anchor_uid && !pod.meta.terminating &&
        pod.group == k_head_group_name && pod.incarnation == incarnation)
      return &pod;
  return nullptr;
}

}  // namespace

std::optional<Duration> workers_end_within(const Census& census, WallTime now) {
  constexpr Duration k_patience = std::chrono::seconds(10);
  std::optional<Duration> longest;
  for (const PodView* pod : census.leaving) {
    if (pod->group == k_head_group_name || !pod->meta.deletion_deadline) continue;
    const Duration left = *pod->meta.deletion_deadline + k_patience - now;
    if (left > Duration::zero()) longest = std::max(left, longest.value_or(left));
  }
  return longest;
}

Census take_census(const std::vector<PodView>& pods, const RayClusterSpec& spec,
                   const std::string& anchor_uid, std::int64_t incarnation) {
  Census census;
  census.head = find_head(pods, anchor_uid, incarnation);
  for (const GroupSpec& group : spec.workers) census.groups[group.name];
  for (const PodView& pod : pods) {
    if (&pod == census.head) continue;
    const auto group = census.groups.find(pod.group);
    if (pod.meta.owner_uid != anchor_uid)
      census.others.push_back(&pod);
    else if (pod.meta.terminating)
      census.leaving.push_back(&pod);
    else if (pod.incarnation != incarnation || joined_an_earlier_head(pod, census.head))
      census.outdated.push_back(&pod);
    else if (group == census.groups.end())
      census.undeclared.push_back(&pod);
    else
      group->second.push_back(&pod);
  }
  return census;
}

}  // namespace ray_gitops::raycluster
