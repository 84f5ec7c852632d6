#include "reconcilers/autoscaler/trouble_memory.h"

#include <algorithm>

namespace ray_gitops::autoscaler {
namespace {

constexpr int k_doublings_max = 5;

}  // namespace

bool TroubleMemory::counts_on(const Past& past, Instant now) {
  const int doublings = std::min(past.count - 1, k_doublings_max);
  return now - past.ended_at < std::min(k_longest_pause, k_first_pause * (1 << doublings));
}

std::map<std::string, std::string> TroubleMemory::remember(
    const std::map<std::string, std::string>& troubles, Instant now) {
  for (const auto& [group, why] : troubles) {
    Past& past = groups_[group];
    if (!past.is_present) ++past.count;
    past.is_present = true;
    past.why = why;
  }
  std::map<std::string, std::string> all = troubles;
  for (auto& [group, past] : groups_) {
    if (troubles.contains(group)) continue;
    if (past.is_present) past.ended_at = now;
    past.is_present = false;
    if (counts_on(past, now)) all[group] = past.why;
  }
  std::erase_if(groups_, [&](const auto& each) {
    return !each.second.is_present && now - each.second.ended_at >= k_forget;
  });
  return all;
}

}  // namespace ray_gitops::autoscaler
