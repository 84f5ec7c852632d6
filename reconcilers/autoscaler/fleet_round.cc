#include "reconcilers/autoscaler/fleet_round.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "reconcilers/manifest/pod_amounts.h"

namespace ray_gitops::autoscaler {
namespace {

using Counts = std::map<std::string, std::int64_t>;

// Pods that are there, by group, the head's among them.
Counts count_pods(const std::vector<PodView>& pods) {
  Counts counts;
  for (const PodView& pod : pods)
    if (!has_failed(pod)) ++counts[pod.group];
  return counts;
}

Counts count_workers(const std::vector<WorkerPod>& pods) {
  Counts counts;
  for (const WorkerPod& pod : pods)
    if (!pod.ended) ++counts[pod.group];
  return counts;
}

Counts wanted_by(const RayClusterSpec& spec, const std::map<std::string, GroupTarget>& targets) {
  Counts wanted;
  for (const auto& [group, target] : targets) wanted[group] = target.replicas;
  for (const GroupSpec& group : spec.workers) wanted[group.name] *= group.hosts;
  return wanted;
}

// What is wanted and not there yet counts as if it were.
void note_pods(Fleet& fleet, const ObjectKey& cluster, bool has_head, const Counts& wanted,
               Counts counts) {
  const std::int64_t heads =
      std::max<std::int64_t>(has_head ? 1 : 0, std::exchange(counts[k_head_group_name], 0));
  for (const auto& [group, replicas] : wanted) counts[group] = std::max(counts[group], replicas);
  fleet.note_pods(cluster, counts, heads);
}

bool fit(const std::vector<Want>& wants, const PodAmounts& room) {
  PodAmounts all;
  for (const Want& want : wants) add_amounts(all, want.amounts, want.count);
  return holds(room, all);
}

}  // namespace

void note_fixed(Fleet& fleet, const Declaration& cluster, const std::vector<PodView>& pods) {
  const auto& spec = std::get<RayClusterSpec>(cluster.spec);
  fleet.meet(cluster);
  Counts wanted;
  for (const GroupSpec& group : spec.workers)
    if (!spec.suspend && !group.suspend) wanted[group.name] = group.replicas * group.hosts;
  note_pods(fleet, cluster.key, !spec.suspend, wanted, count_pods(pods));
  fleet.note_wants(cluster.key, {});
}

void prepare_within(Fleet& fleet, const Declaration& cluster, RoundInput& input) {
  fleet.meet(cluster);
  note_pods(fleet, cluster.key, true, wanted_by(*input.spec, input.saved.targets),
            count_workers(input.pods));
  input.charges = fleet.charges(cluster.key);
  input.policies = fleet.group_policies(cluster.key, input.now.wall);
}

FleetRound decide_within(Fleet& fleet, const Declaration& cluster, RoundInput& input) {
  FleetRound decided{decide_round(input)};
  Round& round = decided.round;
  if (!input.state.is_known()) fleet.note_wants(cluster.key, {});
  if (!round.decision) return decided;
  const std::vector<Want> wants = round.decision->wants;
  fleet.note_wants(cluster.key, wants);
  input.allowance = fleet.allowance(cluster.key);
  if (input.allowance && !fit(wants, input.allowance->room)) round = decide_round(input);
  std::vector<Want> left = without(wants, round.decision->wants);
  decided.waits = !left.empty();
  fleet.note_wants(cluster.key, std::move(left));
  note_pods(fleet, cluster.key, true, wanted_by(*input.spec, round.next.targets),
            count_workers(input.pods));
  return decided;
}

}  // namespace ray_gitops::autoscaler
