#include "reconcilers/raycluster/workers.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include "reconcilers/manifest/names.h"

namespace ray_gitops::raycluster {
namespace {

using Replicas = std::vector<Replica>;

struct Sorted {
  Replicas broken;
  Replicas old;      // made from an earlier template
  Replicas current;  // what stays
};

Sorted sort_replicas(const GroupInput& input) {
  Pods pods;
  for (const PodView* pod : *input.pods)
    if (input.scaling == nullptr || !input.scaling->leaving.contains(pod->meta.uid))
      pods.push_back(pod);
  Sorted sorted;
  for (Replica& replica : replicas_of(input.facts, pods)) {
    Replicas& list = !replica.broken.empty() ? sorted.broken
                     : replica.outdated      ? sorted.old
                                             : sorted.current;
    list.push_back(std::move(replica));
  }
  return sorted;
}

void retire(const Replica& replica, const std::string& reason, GroupDecision& decision) {
  for (const PodView* pod : replica.pods) decision.leaving.push_back({pod, reason});
}

bool is_waiting(std::optional<Instant> due, Instant now) { return due && *due > now; }

void retire_surplus(Replicas& staying, std::int64_t wanted, GroupDecision& decision) {
  const auto surplus = static_cast<std::int64_t>(staying.size()) - wanted;
  if (surplus <= 0) return;
  std::sort(staying.begin(), staying.end(), leaves_before);
  for (auto replica = staying.begin(); replica != staying.begin() + surplus; ++replica)
    retire(*replica, "the group has more workers than its file asks", decision);
  staying.erase(staying.begin(), staying.begin() + surplus);
}

// A pod that leaves holds its place below the maximum until it is gone, where the autoscaler
// decides: what it asks for counts on no more than that.
std::int64_t places_left(const GroupInput& input) {
  if (input.scaling == nullptr) return std::numeric_limits<std::int64_t>::max();
  const auto taken = static_cast<std::int64_t>(input.taken_slots.size());
  return std::max<std::int64_t>(0,
                                input.facts.group->max_replicas * input.facts.group->hosts - taken);
}

// Of replicas as their file says.
std::set<std::int64_t> indexes_of(const Replicas& staying) {
  std::set<std::int64_t> begun;
  for (const Replica& replica : staying)
    if (replica.index && !replica.outdated) begun.insert(*replica.index);
  return begun;
}

std::vector<std::int64_t> free_slots(const GroupInput& input, std::int64_t replica) {
  std::vector<std::int64_t> slots;
  const std::int64_t first = replica * input.facts.group->hosts;
  for (std::int64_t slot = first; slot < first + input.facts.group->hosts; ++slot)
    if (!input.taken_slots.contains(slot)) slots.push_back(slot);
  return slots;
}

// What begun replicas lack, then `missing` whole ones: at the lowest indexes where no host's name
// is taken, so that no index is used twice at a time.
std::vector<std::int64_t> slots_to_fill(const GroupInput& input,
                                        const std::set<std::int64_t>& begun, std::int64_t missing) {
  std::vector<std::int64_t> slots;
  const auto take = [&](const std::vector<std::int64_t>& more) {
    slots.insert(slots.end(), more.begin(), more.end());
  };
  for (const std::int64_t replica : begun) take(free_slots(input, replica));
  const std::int64_t hosts = input.facts.group->hosts;
  const std::int64_t places = places_left(input);
  const auto count = [&] { return static_cast<std::int64_t>(slots.size()); };
  for (std::int64_t replica = 0; missing > 0; ++replica) {
    if (count() >= input.creates_max || count() > places - hosts) break;
    const std::vector<std::int64_t> free = free_slots(input, replica);
    if (begun.contains(replica) || static_cast<std::int64_t>(free.size()) < hosts) continue;
    take(free);
    --missing;
  }
  const std::int64_t most = std::min(input.creates_max, places);
  if (count() > most) slots.resize(static_cast<std::size_t>(most));
  return slots;
}

// A refused create is tried again alone: the next ones follow once it is through (slow start).
void fill_slots(const GroupInput& input, std::vector<std::int64_t> slots, Instant now,
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
    const std::size_t most = input.creating.empty() ? 1 : 0;
    if (slots.size() > most) slots.resize(most);
  }
  decision.slots = std::move(slots);
  decision.filling = !input.creating.empty() || !decision.slots.empty();
}

// `wanted` replicas, of which `staying` are there; where the autoscaler decides, more may be, and
// are to be whole, too.
void fill_group(const GroupInput& input, const Replicas& staying, std::int64_t wanted, Instant now,
                GroupDecision& decision) {
  const auto there = static_cast<std::int64_t>(staying.size());
  std::set<std::int64_t> begun = indexes_of(staying);
  std::int64_t missing = std::max<std::int64_t>(0, wanted - there);
  for (const std::int64_t slot : input.creating)
    if (begun.insert(slot / input.facts.group->hosts).second) --missing;
  std::vector<std::int64_t> slots = slots_to_fill(input, begun, missing);
  if (there < wanted || !slots.empty()) fill_slots(input, std::move(slots), now, decision);
}

// Where pods are refused, two replicas that both lack hosts would wait for each other for good. The
// later one gives way before anything runs on it, once no create is under way that may complete it.
void give_way(const GroupInput& input, Replicas& staying, GroupDecision& decision) {
  if (input.refusal == nullptr || input.facts.group->hosts == 1 || !input.creating.empty()) return;
  const auto is_begun = [](const Replica& replica) {
    return !replica.complete &&
           std::none_of(replica.pods.begin(), replica.pods.end(),
                        [](const PodView* pod) { return pod->ray_started_at.has_value(); });
  };
  if (std::count_if(staying.begin(), staying.end(),
                    [](const Replica& replica) { return !replica.complete; }) < 2)
    return;
  const auto last = std::max_element(
      staying.begin(), staying.end(), [&](const Replica& left, const Replica& right) {
        return std::pair(is_begun(left), left.index) < std::pair(is_begun(right), right.index);
      });
  if (!is_begun(*last)) return;
  retire(*last, "another replica has no room for its hosts", decision);
  staying.erase(last);
}

bool is_settled(const Replica& replica) {
  return replica.complete && std::all_of(replica.pods.begin(), replica.pods.end(),
                                         [](const PodView* pod) { return pod->ready; });
}

}  // namespace

std::set<std::int64_t> taken_slots(const ClusterObserved& observed, const std::string& cluster,
                                   const std::string& group) {
  std::set<std::int64_t> taken;
  const std::string prefix = worker_pod_prefix(cluster, group);
  const auto take = [&](const std::string& name) {
    if (const auto slot = slot_after(prefix, name)) taken.insert(*slot);
  };
  for (const PodView& pod : observed.pods.value()) take(pod.meta.key.name);
  for (const ResourceKey& target : observed.creates)
    if (target.type == ResourceType::Pod) take(target.name);
  for (const auto& [target, refusal] : observed.refusals)
    if (target.type == ResourceType::Pod && refusal.error.code == ErrorCode::AlreadyExists)
      take(target.name);
  return taken;
}

std::set<std::int64_t> creating_slots(const ClusterObserved& observed, const std::string& cluster,
                                      const std::string& group) {
  std::set<std::int64_t> slots;
  const std::string prefix = worker_pod_prefix(cluster, group);
  for (const ResourceKey& target : observed.creates)
    if (target.type == ResourceType::Pod)
      if (const auto slot = slot_after(prefix, target.name)) slots.insert(*slot);
  return slots;
}

std::set<std::int64_t> foreign_slots(const Census& census, const std::string& cluster,
                                     const std::string& group) {
  std::set<std::int64_t> slots;
  const std::string prefix = worker_pod_prefix(cluster, group);
  for (const PodView* pod : census.others)
    if (const auto slot = slot_after(prefix, pod->meta.key.name); slot && !pod->meta.terminating)
      slots.insert(*slot);
  return slots;
}

std::set<std::string> lost_replicas(const ClusterObserved& observed, const Census& census) {
  std::set<std::string> lost = observed.lost_replicas;
  for (const PodView* pod : census.leaving) {
    const bool is_scaled = observed.scaling && observed.scaling->leaving.contains(pod->meta.uid);
    if (!pod->replica.empty() && !is_scaled) lost.insert(replica_key(*pod));
  }
  return lost;
}

const Refusal* refusal_of(const ClusterObserved& observed, const std::string& cluster,
                          const std::string& group) {
  for (const auto& [target, refusal] : observed.refusals)
    if (target.type == ResourceType::Pod && refusal.error.code != ErrorCode::AlreadyExists &&
        slot_of(target.name, cluster, group))
      return &refusal;
  return nullptr;
}

std::int64_t wanted_pods(const GroupSpec& group) {
  return group.suspend ? 0 : group.replicas * group.hosts;
}

std::optional<Instant> replacement_due(const PodFailures* failures) {
  if (failures == nullptr || failures->count < 2) return std::nullopt;
  constexpr Duration k_first = std::chrono::seconds(2);
  constexpr Duration k_longest = std::chrono::seconds(60);
  const int doublings = std::min(failures->count - 2, 5);
  return failures->last + std::min(k_longest, k_first * (1 << doublings));
}

GroupDecision decide_group(const GroupInput& input, Instant now) {
  GroupDecision decision;
  const std::int64_t wanted = input.facts.group->suspend ? 0 : input.facts.group->replicas;
  Sorted sorted = sort_replicas(input);

  // Failed pods stay as evidence while their replacement waits.
  const std::optional<Instant> due = replacement_due(input.failures);
  if (sorted.broken.empty() || !is_waiting(due, now)) {
    for (const Replica& replica : sorted.broken)
      for (const PodView* pod : replica.pods)
        decision.leaving.push_back({pod, why_it_leaves(replica, *pod)});
  } else {
    decision.waits_until = due;
  }

  Replicas staying = sorted.current;
  if (input.may_restart) {
    for (const Replica& replica : sorted.old)
      retire(replica, "its group's template changed", decision);
  } else {
    staying.insert(staying.end(), sorted.old.begin(), sorted.old.end());
  }
  if (input.scaling == nullptr) retire_surplus(staying, wanted, decision);

  give_way(input, staying, decision);
  if (!input.facts.group->suspend) fill_group(input, staying, wanted, now, decision);
  decision.settled = static_cast<std::int64_t>(staying.size()) >= wanted && sorted.old.empty() &&
                     sorted.broken.empty() &&
                     std::all_of(staying.begin(), staying.end(), is_settled);
  return decision;
}

}  // namespace ray_gitops::raycluster
