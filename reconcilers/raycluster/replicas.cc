#include "reconcilers/raycluster/replicas.h"

#include <algorithm>
#include <map>
#include <utility>

#include "reconcilers/manifest/names.h"

namespace ray_gitops::raycluster {
namespace {

int rank_of(const PodView* pod) {
  if (pod->phase != PodPhase::Running) return 0;
  return pod->ready ? 2 : 1;
}

int rank_of(const Replica& replica) {
  if (!replica.complete) return 0;
  int rank = 2;
  for (const PodView* pod : replica.pods) rank = std::min(rank, rank_of(pod));
  return rank;
}

WallTime youngest(const Replica& replica) {
  WallTime created_at = replica.pods.front()->meta.created_at;
  for (const PodView* pod : replica.pods) created_at = std::max(created_at, pod->meta.created_at);
  return created_at;
}

// Which pods belong together. Names tell it best, but an earlier template may have had other
// numbers: its pods have only their label.
class Grouping {
 public:
  explicit Grouping(const ReplicaFacts& facts)
      : group_(*facts.group), prefix_(worker_pod_prefix(facts.cluster, facts.group->name)) {}

  void add(const PodView& pod) {
    const auto slot = slot_after(prefix_, pod.meta.key.name);
    const bool is_current = pod.template_hash == group_.template_hash;
    Replica& replica =
        slot && is_current ? of(by_index_, *slot / group_.hosts) : of(by_key_, key_of(pod));
    replica.pods.push_back(&pod);
    if (slot) replica.index = *slot / group_.hosts;
    replica.outdated = !is_current;
  }
  std::vector<Replica> take() { return std::move(replicas_); }

 private:
  template <class Key>
  Replica& of(std::map<Key, std::size_t>& known, const Key& key) {
    const auto [found, added] = known.try_emplace(key, replicas_.size());
    if (added) replicas_.emplace_back();
    return replicas_[found->second];
  }
  static std::string key_of(const PodView& pod) {
    const std::string key = replica_key(pod);
    return key.empty() ? "pod/" + pod.meta.key.name : key;
  }

  const GroupSpec& group_;
  const std::string prefix_;
  std::map<std::int64_t, std::size_t> by_index_;
  std::map<std::string, std::size_t> by_key_;
  std::vector<Replica> replicas_;
};

std::string why_broken(const ReplicaFacts& facts, const Replica& replica) {
  for (const PodView* pod : replica.pods)
    if (has_failed(*pod)) return pod->meta.key.name + " failed";
  for (const PodView* pod : replica.pods)
    if (facts.lost.contains(replica_key(*pod))) return "a host was lost";
  if (replica.complete) return {};
  if (!replica.index) return "its hosts' names are not ours";
  const std::int64_t first = *replica.index * facts.group->hosts;
  for (std::int64_t slot = first; slot < first + facts.group->hosts; ++slot)
    if (facts.foreign_slots.contains(slot)) return "another's pod has the name of a host";
  return {};
}

}  // namespace

std::vector<Replica> replicas_of(const ReplicaFacts& facts, const Pods& pods) {
  Grouping grouping(facts);
  for (const PodView* pod : pods) grouping.add(*pod);
  std::vector<Replica> replicas = grouping.take();
  for (Replica& replica : replicas) {
    replica.complete =
        replica.outdated || static_cast<std::int64_t>(replica.pods.size()) >= facts.group->hosts;
    replica.broken = why_broken(facts, replica);
  }
  return replicas;
}

bool leaves_before(const Replica& left, const Replica& right) {
  if (rank_of(left) != rank_of(right)) return rank_of(left) < rank_of(right);
  if (youngest(left) != youngest(right)) return youngest(left) > youngest(right);
  return left.pods.front()->meta.key.name > right.pods.front()->meta.key.name;
}

std::string why_it_leaves(const Replica& replica, const PodView& pod) {
  if (has_failed(pod)) return "it failed: " + pod.problem;
  return "its replica starts anew as a whole: " + replica.broken;
}

std::string replica_key(const PodView& pod) {
  return pod.replica.empty() ? std::string{} : pod.replica + "@" + pod.template_hash;
}

}  // namespace ray_gitops::raycluster
