// Autoscaling: what AutoscalerPolicies have to say of a cluster's decision.

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/engine/autoscaling.h"
#include "reconcilers/manifest/pod_amounts.h"
#include "reconcilers/model/view.h"

namespace ray_gitops::engine {
namespace {

using Counts = std::map<std::string, std::int64_t>;

// Pods that are there, by group, the head's among them.
Counts count_pods(const ClusterObserved& observed) {
  Counts counts;
  for (const PodView& pod : observed.pods.value())
    if (!has_failed(pod)) ++counts[pod.group];
  return counts;
}

Counts count_workers(const std::vector<autoscaler::WorkerPod>& pods) {
  Counts counts;
  for (const autoscaler::WorkerPod& pod : pods)
    if (!pod.ended) ++counts[pod.group];
  return counts;
}

Counts wanted_by(const RayClusterSpec& spec,
                 const std::map<std::string, autoscaler::GroupTarget>& targets) {
  Counts wanted;
  for (const auto& [group, target] : targets) wanted[group] = target.replicas;
  for (const GroupSpec& group : spec.workers) wanted[group.name] *= group.hosts;
  return wanted;
}

// What is wanted and not there yet counts as if it were.
void note_pods(autoscaler::Fleet& fleet, const ObjectKey& cluster, bool has_head,
               const Counts& wanted, Counts counts) {
  const std::int64_t heads =
      std::max<std::int64_t>(has_head ? 1 : 0, std::exchange(counts[k_head_group_name], 0));
  for (const auto& [group, replicas] : wanted) counts[group] = std::max(counts[group], replicas);
  fleet.note_pods(cluster, counts, heads);
}

bool fit(const std::vector<autoscaler::Want>& wants, const PodAmounts& room) {
  PodAmounts all;
  for (const autoscaler::Want& want : wants) add_amounts(all, want.amounts, want.count);
  return holds(room, all);
}

}  // namespace

Deadline Autoscaling::policies_change_at(Now now) {
  const auto change = fleet_.next_change(now.wall);
  return change ? Deadline{now.monotonic + (*change - now.wall)} : std::nullopt;
}

void Autoscaling::note_fixed(const Declaration& declaration, const ClusterObserved& observed) {
  if (!fleet_.has_policies()) return;
  const auto& spec = std::get<RayClusterSpec>(declaration.spec);
  fleet_.meet(declaration);
  Counts wanted;
  for (const GroupSpec& group : spec.workers)
    if (!spec.suspend && !group.suspend) wanted[group.name] = group.replicas * group.hosts;
  note_pods(fleet_, declaration.key, !spec.suspend, wanted, count_pods(observed));
  fleet_.note_wants(declaration.key, {});
}

void Autoscaling::take_policies(Talk& talk, const Declaration& declaration,
                                autoscaler::RoundInput& input) {
  input.charges = fleet_.charges(declaration.key);
  input.policies = fleet_.group_policies(declaration.key, input.now.wall);
  input.plans = input.plans || talk.planned_by != input.policies ||
                talk.planned_at_revision != fleet_.revision();
}

// Plans as if there were no limit, says to the fleet what that takes, and plans again within what
// the fleet grants where that is less.
autoscaler::Round Autoscaling::decide_within_allowance(Talk& talk, const Declaration& declaration,
                                                       autoscaler::RoundInput& input) {
  if (!fleet_.has_policies()) return autoscaler::decide_round(input);
  const ObjectKey& cluster = declaration.key;
  const Counts there = count_workers(input.pods);
  fleet_.meet(declaration);
  note_pods(fleet_, cluster, true, wanted_by(*input.spec, input.saved.targets), there);
  take_policies(talk, declaration, input);
  autoscaler::Round round = autoscaler::decide_round(input);
  if (!input.state.is_known()) fleet_.note_wants(cluster, {});
  if (!round.decision) return round;
  const std::vector<autoscaler::Want> wants = round.decision->wants;
  fleet_.note_wants(cluster, wants);
  input.allowance = fleet_.allowance(cluster);
  if (input.allowance && !fit(wants, input.allowance->room))
    round = autoscaler::decide_round(input);
  std::vector<autoscaler::Want> left = autoscaler::without(wants, round.decision->wants);
  talk.waits = !left.empty();
  talk.planned_by = input.policies;
  talk.planned_at_revision = fleet_.revision();
  fleet_.note_wants(cluster, std::move(left));
  note_pods(fleet_, cluster, true, wanted_by(*input.spec, round.next.targets), there);
  return round;
}

}  // namespace ray_gitops::engine
