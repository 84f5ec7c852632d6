#include "reconcilers/autoscaler/round.h"

#include <algorithm>
#include <utility>

#include "reconcilers/autoscaler/group_capacity.h"
#include "reconcilers/manifest/anchor.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/ray_start.h"

namespace ray_gitops::autoscaler {
namespace {

GroupTarget target_of(const GroupSpec& group, const std::map<std::string, GroupTarget>& saved) {
  const auto found = saved.find(group.name);
  if (found == saved.end()) return {group.replicas, true};
  GroupTarget target = found->second;
  target.replicas = std::clamp(target.replicas, group.min_replicas,
                               std::max(group.min_replicas, group.max_replicas));
  return target;
}

std::map<std::string, GroupTarget> targets_of(const RayClusterSpec& spec,
                                              const std::map<std::string, GroupTarget>& saved) {
  std::map<std::string, GroupTarget> targets;
  for (const GroupSpec& group : spec.workers) targets[group.name] = target_of(group, saved);
  return targets;
}

// Removals without an answer of the head need none of it.
ScaleDownStep carry_on(const RoundInput& input) {
  if (input.saved.removals.empty()) return {};
  return advance({.removals = input.saved.removals,
                  .pods = Known<std::vector<WorkerPod>>{input.pods},
                  .state = input.state,
                  .state_seen_at = input.state_seen_at,
                  .talks = input.talks,
                  .now = input.now});
}

void take_policy(const RoundInput& input, Group& group) {
  if (const auto charge = input.charges.find(group.name); charge != input.charges.end())
    group.charge = charge->second;
  const auto policy = input.policies.find(group.name);
  if (policy == input.policies.end()) return;
  group.kept = policy->second.kept;
  group.kept_by = policy->second.kept_by;
  group.warm = policy->second.warm;
  group.warm_by = policy->second.warm_by;
}

PlannerInput planner_input(const RoundInput& input, const std::vector<Removal>& removals) {
  PlannerInput planned;
  planned.groups = groups_of(*input.spec, input.troubles);
  planned.targets = targets_of(*input.spec, input.saved.targets);
  planned.pods = input.pods;
  planned.state = input.state.value();
  for (const Removal& removal : removals) planned.removing.insert(removal.pod);
  planned.refused = input.refused;
  planned.allowance = input.allowance;
  for (Group& group : planned.groups) take_policy(input, group);
  planned.options.upscaling = input.spec->upscaling;
  planned.options.idle_timeout = input.spec->idle_timeout;
  return planned;
}

void plan_anew(const RoundInput& input, Round& round) {
  round.planned = planner_input(input, round.next.removals);
  round.decision = plan(*round.planned);
  for (const auto& [group, decided] : round.decision->groups)
    round.next.targets[group] = decided.target;
  round.admission = admit(round.decision->removals, round.next.removals, input.pods,
                          round.planned->state, input.guard, input.now);
  std::vector<Removal>& removals = round.next.removals;
  removals.insert(removals.end(), round.admission.removals.begin(), round.admission.removals.end());
  std::sort(removals.begin(), removals.end(),
            [](const Removal& left, const Removal& right) { return left.pod < right.pod; });
}

bool is_node(const WorkerPod& pod, const RayResourceState& state) {
  return !nodes_of(pod, state).empty();
}

Duration idle_timeout_of(const RayClusterSpec& spec, const std::string& group) {
  for (const GroupSpec& each : spec.workers)
    if (each.name == group) return each.idle_timeout.value_or(spec.idle_timeout);
  return spec.idle_timeout;
}

}  // namespace

std::vector<Group> groups_of(const RayClusterSpec& spec,
                             const std::map<std::string, std::string>& troubles) {
  std::vector<Group> groups;
  groups.reserve(spec.workers.size());
  for (const GroupSpec& each : spec.workers) {
    GroupCapacity capacity = group_capacity(each);
    Group group;
    group.name = each.name;
    group.capacity = std::move(capacity.resources);
    group.labels = std::move(capacity.labels);
    group.replicas_min = each.min_replicas;
    group.replicas_max = each.max_replicas;
    group.hosts = each.hosts;
    group.idle_timeout = each.idle_timeout;
    group.priority = each.priority;
    group.suspended = each.suspend;
    if (const auto trouble = troubles.find(each.name); trouble != troubles.end())
      group.backed_off = trouble->second;
    groups.push_back(std::move(group));
  }
  return groups;
}

std::vector<WorkerPod> worker_pods(const std::vector<PodView>& pods, const std::string& anchor_uid,
                                   std::int64_t incarnation) {
  std::vector<WorkerPod> workers;
  for (const PodView& pod : pods) {
    if (pod.meta.owner_uid != anchor_uid || pod.incarnation != incarnation) continue;
    if (pod.group == k_head_group_name) continue;
    WorkerPod worker;
    worker.name = pod.meta.key.name;
    worker.uid = pod.meta.uid;
    worker.group = pod.group;
    worker.replica = pod.replica;
    worker.ip = pod.ip;
    worker.ready = pod.ready;
    worker.terminating = pod.meta.terminating;
    worker.ended = has_failed(pod);
    workers.push_back(std::move(worker));
  }
  return workers;
}

ScaleState saved_state(const ConfigMapView& anchor) {
  const ClusterState state = anchored_state(anchor);
  if (state.scaling.is_null()) return {};
  return parse_scale_state(state.scaling).value_or(ScaleState{});
}

std::optional<HeadGcs> head_gcs(const RayClusterSpec& spec, const std::vector<PodView>& pods,
                                const ConfigMapView& anchor) {
  const std::int64_t incarnation = anchored_state(anchor).incarnation;
  for (const PodView& pod : pods) {
    if (pod.group != k_head_group_name || pod.meta.owner_uid != anchor.meta.uid) continue;
    if (pod.incarnation != incarnation || pod.meta.terminating) continue;
    const bool can_be_asked = !pod.ip.empty() && pod.ray_started_at && !has_failed(pod);
    HeadGcs head{pod.meta.uid, can_be_asked ? pod.ip + ":" + gcs_port(spec) : std::string{}};
    head.token_secret.ns = pod.meta.key.ns;
    if (spec.token_auth) head.token_secret.name = token_secret_name(pod.cluster, spec);
    return head;
  }
  return std::nullopt;
}

Round decide_round(const RoundInput& input) {
  Round round;
  round.step = carry_on(input);
  round.next.removals = round.step.removals;
  round.next.targets = targets_of(*input.spec, input.saved.targets);
  round.drains_are_saved = round.next.removals == input.saved.removals;
  if (input.plans && input.state.is_known()) plan_anew(input, round);
  return round;
}

std::map<std::string, std::int64_t> targets_in_force(const RayClusterSpec& spec,
                                                     const ScaleState& saved,
                                                     const ScaleState& next) {
  std::map<std::string, std::int64_t> targets;
  for (const auto& [group, target] : next.targets) {
    const auto found = saved.targets.find(group);
    targets[group] = (found == saved.targets.end() ? target : found->second).replicas;
  }
  for (const GroupSpec& group : spec.workers)
    if (const auto target = targets.find(group.name); target != targets.end())
      target->second = std::min(target->second, group.max_replicas);
  return targets;
}

bool is_active(const RoundInput& input, const Round& round) {
  if (!round.next.removals.empty() || !round.admission.waiting.empty()) return true;
  if (!input.state.is_known()) return false;
  const RayResourceState& state = input.state.value();
  if (!state.pending.empty() || !state.gangs.empty()) return true;
  return std::any_of(input.pods.begin(), input.pods.end(), [&](const WorkerPod& pod) {
    return !pod.ready || pod.terminating || !is_node(pod, state);
  });
}

bool says_the_same(const RayResourceState& left, const RayResourceState& right) {
  const auto is_same_node = [](RayNode node, const RayNode& other) {
    node.idle = other.idle;
    return node == other;
  };
  return left.session == right.session && left.pending == right.pending &&
         left.gangs == right.gangs && left.constraints == right.constraints &&
         std::equal(left.nodes.begin(), left.nodes.end(), right.nodes.begin(), right.nodes.end(),
                    is_same_node);
}

std::optional<Instant> next_idle_look(const RayClusterSpec& spec, const RayResourceState& state,
                                      Instant state_seen_at) {
  std::optional<Duration> next;
  for (const RayNode& node : state.nodes) {
    if (node.status != RayNodeStatus::Idle || node.group == k_head_group_name) continue;
    const Duration timeout = idle_timeout_of(spec, node.group);
    if (is_idle_for_long(node.idle, timeout)) continue;  // the planner has had its say
    const Duration look = timeout - node.idle + k_idle_look_after;
    if (!next || look < *next) next = look;
  }
  if (!next) return std::nullopt;
  return state_seen_at + std::max(*next, k_idle_look_least);
}

}  // namespace ray_gitops::autoscaler
