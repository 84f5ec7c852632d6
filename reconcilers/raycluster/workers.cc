#include "reconcilers/raycluster/workers.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "reconcilers/manifest/names.h"

namespace ray_gitops::raycluster {
namespace {

bool is_current(const PodView& pod, const GroupSpec& group) {
  return pod.template_hash == group.template_hash;
}

// Who goes first when there are too many: pods that do not run, then those that are not Ready, then
// the youngest.
bool leaves_before(const PodView* left, const PodView* right) {
  const auto rank = [](const PodView* pod) {
    if (pod->phase != PodPhase::Running) return 0;
    return pod->ready ? 2 : 1;
  };
  if (rank(left) != rank(right)) return rank(left) < rank(right);
  if (left->meta.created_at != right->meta.created_at)
    return left->meta.created_at > right->meta.created_at;
  return left->meta.key.name > right->meta.key.name;
}

struct Sorted {
  Pods failed;
  Pods old;      // made from an earlier template
  Pods current;  // what stays
};

Sorted sort_pods(const GroupInput& input) {
  Sorted sorted;
  for (const PodView* pod : *input.pods) {
    if (input.scaling != nullptr && input.scaling->leaving.contains(pod->meta.uid)) continue;
    if (has_failed(*pod))
      sorted.failed.push_back(pod);
    else if (!is_current(*pod, *input.group))
      sorted.old.push_back(pod);
    else
      sorted.current.push_back(pod);
  }
  return sorted;
}

std::vector<std::int64_t> lowest_free(const std::set<std::int64_t>& taken, std::int64_t count) {
  std::vector<std::int64_t> slots;
  for (std::int64_t slot = 0; static_cast<std::int64_t>(slots.size()) < count; ++slot)
    if (!taken.contains(slot)) slots.push_back(slot);
  return slots;
}

bool is_waiting(std::optional<Instant> due, Instant now) { return due && *due > now; }

void retire_surplus(Pods& staying, std::int64_t wanted, GroupDecision& decision) {
  std::sort(staying.begin(), staying.end(), leaves_before);
  while (static_cast<std::int64_t>(staying.size()) > wanted) {
    decision.leaving.push_back({staying.front(), "the group has more workers than its file asks"});
    staying.erase(staying.begin());
  }
}

// A pod that leaves holds its place below the maximum until it is gone, where the autoscaler
// decides: what it asks for counts on no more than that.
std::int64_t places_left(const GroupInput& input) {
  if (input.scaling == nullptr) return std::numeric_limits<std::int64_t>::max();
  const auto taken = static_cast<std::int64_t>(input.taken_slots.size());
  return std::max<std::int64_t>(0, input.group->max_replicas - taken);
}

// A refused create is tried again alone: the next ones follow once it is through (slow start).
void fill_slots(const GroupInput& input, std::int64_t missing, Instant now,
                GroupDecision& decision) {
  const std::optional<Instant> due = replacement_due(input.failures);
  if (is_waiting(due, now)) {
    decision.waits_until = due;
    return;
  }
  if (input.refusal != nullptr) {
    if (input.refusal->retry_at > now) {
      decision.waits_until = input.refusal->retry_at;
      return;
    }
    missing = std::min<std::int64_t>(missing, 1);
  }
  missing = std::min({missing - input.creates, input.creates_max, places_left(input)});
  decision.slots = lowest_free(input.taken_slots, missing);
  decision.filling = input.creates > 0 || !decision.slots.empty();
}

}  // namespace

std::set<std::int64_t> taken_slots(const ClusterObserved& observed, const std::string& cluster,
                                   const std::string& group) {
  std::set<std::int64_t> taken;
  const auto take = [&](const std::string& name) {
    if (const auto slot = slot_of(name, cluster, group)) taken.insert(*slot);
  };
  for (const PodView& pod : observed.pods.value()) take(pod.meta.key.name);
  for (const ResourceKey& target : observed.creates)
    if (target.type == ResourceType::Pod) take(target.name);
  for (const auto& [target, refusal] : observed.refusals)
    if (target.type == ResourceType::Pod && refusal.error.code == ErrorCode::AlreadyExists)
      take(target.name);
  return taken;
}

std::int64_t count_creates(const ClusterObserved& observed, const std::string& cluster,
                           const std::string& group) {
  return std::count_if(
      observed.creates.begin(), observed.creates.end(), [&](const ResourceKey& target) {
        return target.type == ResourceType::Pod && slot_of(target.name, cluster, group);
      });
}

const Refusal* refusal_of(const ClusterObserved& observed, const std::string& cluster,
                          const std::string& group) {
  for (const auto& [target, refusal] : observed.refusals)
    if (target.type == ResourceType::Pod && refusal.error.code != ErrorCode::AlreadyExists &&
        slot_of(target.name, cluster, group))
      return &refusal;
  return nullptr;
}

std::int64_t wanted_pods(const GroupSpec& group) { return group.suspend ? 0 : group.replicas; }

std::optional<Instant> replacement_due(const PodFailures* failures) {
  if (failures == nullptr || failures->count < 2) return std::nullopt;
  constexpr Duration k_first = std::chrono::seconds(2);
  constexpr Duration k_longest = std::chrono::seconds(60);
  const int doublings = std::min(failures->count - 2, 5);
  return failures->last + std::min(k_longest, k_first * (1 << doublings));
}

GroupDecision decide_group(const GroupInput& input, Instant now) {
  GroupDecision decision;
  const std::int64_t wanted = wanted_pods(*input.group);
  Sorted sorted = sort_pods(input);

  // Failed pods stay as evidence while their replacement waits.
  const std::optional<Instant> due = replacement_due(input.failures);
  if (sorted.failed.empty() || !is_waiting(due, now)) {
    for (const PodView* pod : sorted.failed)
      decision.leaving.push_back({pod, "it failed: " + pod->problem});
  } else {
    decision.waits_until = due;
  }

  Pods staying = sorted.current;
  if (input.may_restart) {
    for (const PodView* pod : sorted.old)
      decision.leaving.push_back({pod, "its group's template changed"});
  } else {
    staying.insert(staying.end(), sorted.old.begin(), sorted.old.end());
  }
  if (input.scaling == nullptr) retire_surplus(staying, wanted, decision);

  const auto missing = wanted - static_cast<std::int64_t>(staying.size());
  if (missing > 0) fill_slots(input, missing, now, decision);
  decision.settled =
      missing <= 0 && sorted.old.empty() && sorted.failed.empty() &&
      std::all_of(staying.begin(), staying.end(), [](const PodView* pod) { return pod->ready; });
  return decision;
}

}  // namespace ray_gitops::raycluster
