// Whatever a cluster and its demand look like.

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "reconcilers/autoscaler/planner.h"
#include "tests/unit/autoscaler/cluster_facts.h"

namespace ray_gitops::test {
namespace {

using autoscaler::Group;
using autoscaler::PlannerDecision;
using autoscaler::PlannerInput;
using autoscaler::WorkerPod;
using rc::gen::element;
using rc::gen::inRange;

bool rarely() { return *inRange(0, 5) == 0; }

ResourceRequest any_request() {
  ResourceRequest request{cpus(*element(0.5, 1.0, 2.0, 3.0)), {}, {}};
  if (rarely()) request.bundle["GPU"] = k_units_per_whole;
  if (rarely())
    request.selectors = {
        {LabelConstraint{"zone", LabelOperator::In, {*element<std::string>("a", "b")}}}};
  return request;
}

GangRequest any_gang(int index) {
  GangRequest gang;
  const std::string label = "_PG_" + std::to_string(index);
  gang.details = std::to_string(index) + ":?|PENDING";
  const int kind = *inRange(0, 3);
  ResourceRequest bundle = any_request();
  if (kind == 1) bundle.placement = {{LabelPair{label, ""}, std::nullopt}};
  if (kind == 2) bundle.placement = {{std::nullopt, LabelPair{label, ""}}};
  gang.requests.assign(static_cast<std::size_t>(*inRange(1, 5)), bundle);
  return gang;
}

Group any_group(int index) {
  Group group = group_of("group" + std::to_string(index), *inRange(0, 3), 0);
  group.replicas_max = group.replicas_min + *inRange(0, 5);
  group.hosts = rarely() ? 2 : 1;
  group.capacity = cpus(*element(1.0, 2.0, 4.0));
  if (rarely()) group.capacity["GPU"] = k_units_per_whole;
  group.labels["zone"] = *element<std::string>("a", "b");
  group.suspended = rarely() && rarely();
  if (rarely()) group.backed_off = "is short of nodes";
  return group;
}

void any_pod(PlannerInput& input, const std::string& name) {
  const Group& group = *element(input.groups.front(), input.groups.back());
  WorkerPod pod = pod_of(name, group.name);
  pod.replica = group.hosts > 1 ? name.substr(0, 1) : "";
  pod.terminating = rarely();
  if (rarely()) input.removing.insert(name);
  if (!rarely()) {
    RayNode node = node_of(pod, std::chrono::seconds(*element(0, 5, 100)));
    node.total = group.capacity;
    node.available = node.idle.count() > 0 ? group.capacity : cpus(0);
    input.state.nodes.push_back(node);
  }
  input.pods.push_back(pod);
}

PlannerInput any_input() {
  PlannerInput input;
  const int groups = *inRange(1, 4);
  for (int index = 0; index < groups; ++index) {
    input.groups.push_back(any_group(index));
    if (!rarely()) input.targets[input.groups.back().name] = {*inRange(0, 4), rarely()};
  }
  const int pods = *inRange(0, 6);
  for (int index = 0; index < pods; ++index)
    any_pod(input, std::string(1, static_cast<char>('a' + index / 2)) + std::to_string(index));
  const int requests = *inRange(0, 4);
  for (int index = 0; index < requests; ++index)
    input.state.pending[any_request()] += *inRange(1, 6);
  const int gangs = *inRange(0, 3);
  for (int index = 0; index < gangs; ++index) input.state.gangs.push_back(any_gang(index));
  if (rarely()) input.state.constraints = {{{any_request(), *inRange(1, 4)}}};
  return input;
}

struct Counts {
  std::int64_t staying = 0;
  std::int64_t leaving = 0;
};

Counts counts_of(const PlannerInput& input, const std::string& group) {
  Counts counts;
  for (const WorkerPod& pod : input.pods) {
    if (pod.group != group) continue;
    const bool leaves = pod.terminating || input.removing.contains(pod.name);
    ++(leaves ? counts.leaving : counts.staying);
  }
  return counts;
}

// Everything that a decision says, for comparing.
std::string shown(const PlannerDecision& decision) {
  std::string text;
  for (const auto& [name, group] : decision.groups)
    text += name + " " + std::to_string(group.target.replicas) + " " + group.reason + "\n";
  for (const auto& each : decision.removals) text += each.pod + " leaves: " + each.reason + "\n";
  for (const auto& each : decision.kept) text += each.pod + " stays: " + each.reason + "\n";
  for (const auto& each : decision.requests)
    text += render_amounts(each.request.bundle) + std::to_string(each.count) + each.reason + "\n";
  for (const auto& each : decision.gangs) text += each.gang.details + each.reason + "\n";
  return text;
}

RC_GTEST_PROP(PlanProperty, is_never_above_a_maximum_nor_below_a_minimum, ()) {
  const PlannerInput input = any_input();
  const PlannerDecision decision = autoscaler::plan(input);
  for (const Group& group : input.groups) {
    const Counts counts = counts_of(input, group.name);
    const std::int64_t most = group.suspended ? 0 : group.replicas_max * group.hosts;
    const std::int64_t least = std::min(most, group.replicas_min * group.hosts);
    const std::int64_t pods = decision.groups.at(group.name).target.replicas * group.hosts;
    RC_ASSERT(pods <= std::max(most, counts.staying));
    RC_ASSERT(pods >= least);
    const auto target = input.targets.find(group.name);
    const bool is_initial = target != input.targets.end() && target->second.initial;
    if (pods > std::max(least, counts.staying) && group.hosts == 1 && !is_initial)
      RC_ASSERT(pods + counts.leaving <= most);
  }
}

RC_GTEST_PROP(PlanProperty, adds_nothing_without_demand_but_the_minimum, ()) {
  PlannerInput input = any_input();
  input.state.pending.clear();
  input.state.gangs.clear();
  input.state.constraints.clear();
  for (auto& [group, target] : input.targets) target.initial = false;
  const PlannerDecision decision = autoscaler::plan(input);
  for (const Group& group : input.groups) {
    const std::int64_t pods = decision.groups.at(group.name).target.replicas;
    const std::int64_t staying = counts_of(input, group.name).staying;
    RC_ASSERT(pods <= std::max(group.replicas_min, (staying + group.hosts - 1) / group.hosts));
  }
}

RC_GTEST_PROP(PlanProperty, adds_no_more_than_one_pod_for_each_request, ()) {
  PlannerInput input = any_input();
  for (Group& group : input.groups) {
    group.hosts = 1;
    group.replicas_min = 0;
  }
  input.targets.clear();
  std::int64_t asked = 0;
  for (const auto& [request, count] : input.state.pending) asked += count;
  for (const GangRequest& gang : input.state.gangs)
    asked += static_cast<std::int64_t>(gang.requests.size());
  for (const auto& constraint : input.state.constraints)
    for (const auto& [request, count] : constraint) asked += count;
  const PlannerDecision decision = autoscaler::plan(input);
  std::int64_t added = 0;
  for (const Group& group : input.groups)
    added += std::max<std::int64_t>(
        0, decision.groups.at(group.name).target.replicas - counts_of(input, group.name).staying);
  RC_ASSERT(added <= asked);
}

RC_GTEST_PROP(PlanProperty, does_nothing_for_a_gang_that_has_no_place, ()) {
  PlannerInput input = any_input();
  const PlannerDecision with = autoscaler::plan(input);
  for (const auto& unplaced : with.gangs)
    std::erase_if(input.state.gangs,
                  [&](const GangRequest& gang) { return gang == unplaced.gang; });
  const PlannerDecision without = autoscaler::plan(input);
  RC_ASSERT(without.gangs.empty());
  for (const auto& [name, group] : with.groups)
    RC_ASSERT(without.groups.at(name).target == group.target);
}

RC_GTEST_PROP(PlanProperty, does_not_depend_on_the_order_of_pods_and_gangs, ()) {
  PlannerInput input = any_input();
  const std::string text = shown(autoscaler::plan(input));
  std::mt19937 dice{static_cast<unsigned>(*inRange(0, 1000))};
  std::shuffle(input.pods.begin(), input.pods.end(), dice);
  std::shuffle(input.state.gangs.begin(), input.state.gangs.end(), dice);
  RC_ASSERT(shown(autoscaler::plan(input)) == text);
}

// With several groups, gangs or running nodes a second look may pack otherwise, as Ray's does.
RC_GTEST_PROP(PlanProperty, asks_for_the_same_while_the_pods_of_one_group_are_made, ()) {
  PlannerInput input = any_input();
  input.groups.resize(1);
  input.groups[0].hosts = 1;
  input.groups[0].backed_off.clear();
  input.pods.clear();
  input.state.nodes.clear();
  input.state.gangs.clear();
  input.state.constraints.clear();
  const PlannerDecision first = autoscaler::plan(input);
  for (const auto& [name, group] : first.groups) input.targets[name] = group.target;
  const PlannerDecision second = autoscaler::plan(input);
  for (const auto& [name, group] : first.groups)
    RC_ASSERT(second.groups.at(name).target == group.target);
}

RC_GTEST_PROP(PlanProperty, lets_no_pod_leave_that_is_in_use_and_within_its_maximum, ()) {
  const PlannerInput input = any_input();
  const PlannerDecision decision = autoscaler::plan(input);
  for (const auto& wish : decision.removals) {
    if (wish.drain == DrainReason::Preemption) continue;
    const auto node =
        std::find_if(input.state.nodes.begin(), input.state.nodes.end(),
                     [&](const RayNode& each) { return each.node_id == wish.node_id; });
    RC_ASSERT(node != input.state.nodes.end());
    RC_ASSERT(node->status == RayNodeStatus::Idle);
    RC_ASSERT(node->idle > input.options.idle_timeout);
  }
}

}  // namespace
}  // namespace ray_gitops::test
