// What a whole cluster's decision is, with its reasons.

#include "reconcilers/autoscaler/planner.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "reconcilers/autoscaler/group_capacity.h"
#include "reconcilers/autoscaler/report.h"
#include "tests/unit/autoscaler/cluster_facts.h"

namespace ray_gitops::test {
namespace {

using namespace std::chrono_literals;
using autoscaler::GroupTarget;
using autoscaler::plan;
using autoscaler::PlannerDecision;
using autoscaler::PlannerInput;

// One group "small" of 1 CPU pods, 0 to 5 replicas, that wants nothing yet.
PlannerInput small_cluster() {
  PlannerInput input;
  input.groups = {group_of("small", 0, 5)};
  input.targets["small"] = {0, false};
  input.state.session = "session_1";
  input.state.version = 7;
  return input;
}

void add_pod(PlannerInput& input, const std::string& name, Duration idle) {
  input.pods.push_back(pod_of(name));
  input.state.nodes.push_back(node_of(input.pods.back(), idle));
}

void ask_for(PlannerInput& input, double cpu_count, std::int64_t count) {
  input.state.pending[ResourceRequest{cpus(cpu_count), {}, {}}] += count;
}

GroupTarget target_of(const PlannerDecision& decision, const std::string& group = "small") {
  return decision.groups.at(group).target;
}

TEST(Plan, adds_replicas_for_demand_and_says_which) {
  PlannerInput input = small_cluster();
  ask_for(input, 1, 3);
  const PlannerDecision decision = plan(input);
  EXPECT_EQ(target_of(decision), (GroupTarget{3, false}));
  EXPECT_EQ(decision.groups.at("small").reason,
            "adds 3 for 3 pending requests, the first of {'CPU': 1.0}");
}

TEST(Plan, keeps_the_files_replicas_until_something_is_decided) {
  PlannerInput input = small_cluster();
  input.targets["small"] = {3, true};
  EXPECT_EQ(target_of(plan(input)), (GroupTarget{3, true}));
}

TEST(Plan, keeps_the_files_replicas_also_when_it_is_slow_or_backed_off) {
  PlannerInput input = small_cluster();
  input.targets["small"] = {3, true};
  input.options.upscaling = UpscalingMode::Conservative;
  EXPECT_EQ(target_of(plan(input)), (GroupTarget{3, true}));
  input.groups[0].backed_off = "is short of nodes";
  EXPECT_EQ(target_of(plan(input)), (GroupTarget{3, true}));
}

TEST(Plan, gives_up_what_is_not_made_yet_and_nobody_needs) {
  PlannerInput input = small_cluster();
  input.targets["small"] = {4, false};
  ask_for(input, 1, 1);
  const PlannerDecision decision = plan(input);
  EXPECT_EQ(target_of(decision).replicas, 1);
  EXPECT_EQ(decision.groups.at("small").reason, "gives up 3 that nothing needs any more");
}

TEST(Plan, does_not_count_demand_twice_while_pods_are_made) {
  PlannerInput input = small_cluster();
  ask_for(input, 1, 3);
  input.targets["small"] = {3, false};
  input.pods = {pod_of("a1")};
  EXPECT_EQ(target_of(plan(input)).replicas, 3);
}

TEST(Plan, lets_an_idle_pod_leave_and_says_why_others_stay) {
  PlannerInput input = small_cluster();
  add_pod(input, "a1", 61s);
  add_pod(input, "a2", 0s);
  add_pod(input, "a3", 5s);
  const PlannerDecision decision = plan(input);
  ASSERT_EQ(decision.removals.size(), 1U);
  EXPECT_EQ(decision.removals[0].pod, "a1");
  EXPECT_EQ(decision.removals[0].node_id, node_id_of("a1"));
  EXPECT_EQ(decision.removals[0].drain, DrainReason::IdleTermination);
  EXPECT_EQ(decision.removals[0].reason, "idle for 61 s, longer than 60 s");
  ASSERT_EQ(decision.kept.size(), 2U);
  EXPECT_EQ(decision.kept[0].reason, "it is in use");
  EXPECT_EQ(decision.kept[1].reason, "idle for 5 s of 60 s");
  EXPECT_EQ(target_of(decision).replicas, 2);
}

TEST(Plan, uses_the_idle_timeout_of_the_group) {
  PlannerInput input = small_cluster();
  add_pod(input, "a1", 61s);
  input.groups[0].idle_timeout = 300s;
  EXPECT_TRUE(plan(input).removals.empty());
  input.groups[0].idle_timeout = 10s;
  EXPECT_EQ(plan(input).removals.size(), 1U);
}

TEST(Plan, keeps_a_node_for_which_a_gang_waits) {
  PlannerInput input = small_cluster();
  add_pod(input, "a1", 100s);
  GangRequest gang;
  gang.details = "ab:STRICT_SPREAD|PENDING";
  const PlacementConstraint apart{LabelPair{"_PG_ab", ""}, std::nullopt};
  gang.requests.assign(2, ResourceRequest{cpus(1), {apart}, {}});
  input.state.gangs = {gang};
  const PlannerDecision decision = plan(input);
  EXPECT_TRUE(decision.removals.empty());
  EXPECT_EQ(target_of(decision).replicas, 2);
}

TEST(Plan, drains_busy_pods_beyond_a_lowered_maximum_and_plans_nothing_onto_them) {
  PlannerInput input = small_cluster();
  input.groups = {group_of("small", 0, 1), group_of("other", 0, 5)};
  add_pod(input, "a1", 0s);
  add_pod(input, "a2", 20s);
  ask_for(input, 1, 1);
  const PlannerDecision decision = plan(input);
  ASSERT_EQ(decision.removals.size(), 1U);
  EXPECT_EQ(decision.removals[0].pod, "a2");
  EXPECT_EQ(decision.removals[0].drain, DrainReason::Preemption);
  EXPECT_EQ(target_of(decision, "other").replicas, 1);
}

TEST(Plan, keeps_minimum_and_the_files_replicas_beside_what_leaves) {
  PlannerInput input = small_cluster();
  input.groups = {group_of("small", 2, 2)};
  add_pod(input, "a1", 0s);
  add_pod(input, "a2", 0s);
  input.pods[1].ended = true;
  input.targets["small"] = {2, false};
  EXPECT_EQ(target_of(plan(input)), (GroupTarget{2, false})) << "the minimum";
  input.groups = {group_of("small", 0, 2)};
  input.targets["small"] = {2, true};
  EXPECT_EQ(target_of(plan(input)), (GroupTarget{2, true})) << "the file's replicas";
  input.targets["small"] = {2, false};
  EXPECT_EQ(target_of(plan(input)), (GroupTarget{1, false})) << "what demand had asked for";
}

TEST(Plan, lets_go_what_never_became_a_node_of_a_group_that_left_the_file) {
  PlannerInput input = small_cluster();
  input.pods = {pod_of("b1", "gone"), pod_of("b2", "gone"), pod_of("b3", "gone"),
                pod_of("b4", "gone")};
  input.pods[1].ended = true;
  input.pods[2].terminating = true;
  input.removing = {"b4"};
  const PlannerDecision decision = plan(input);
  ASSERT_EQ(decision.removals.size(), 2U);
  EXPECT_EQ(decision.removals[0].pod, "b1");
  EXPECT_EQ(decision.removals[0].node_id, "");
  EXPECT_EQ(decision.removals[0].reason, "its group is not in the file");
  EXPECT_EQ(decision.removals[1].pod, "b2");
}

TEST(Plan, counts_leaving_pods_against_the_maximum) {
  PlannerInput input = small_cluster();
  input.groups = {group_of("small", 0, 2)};
  add_pod(input, "a1", 0s);
  add_pod(input, "a2", 100s);
  input.removing = {"a2"};
  ask_for(input, 1, 2);
  const PlannerDecision decision = plan(input);
  EXPECT_EQ(target_of(decision).replicas, 1);
  ASSERT_EQ(decision.requests.size(), 1U);
  EXPECT_EQ(decision.requests[0].reason, "small is at its maximum of 2 pods");
  EXPECT_FALSE(decision.requests[0].never);
}

TEST(Plan, says_what_no_group_could_ever_hold) {
  PlannerInput input = small_cluster();
  ask_for(input, 8, 1);
  const PlannerDecision decision = plan(input);
  ASSERT_EQ(decision.requests.size(), 1U);
  EXPECT_TRUE(decision.requests[0].never);
  EXPECT_EQ(decision.requests[0].reason, "small has 1.0 CPU a pod, 8.0 are asked for");
}

TEST(Plan, moves_demand_away_from_a_group_that_is_backed_off) {
  PlannerInput input = small_cluster();
  input.groups = {group_of("small", 0, 5), group_of("other", 0, 5)};
  input.groups[0].backed_off = "is short of nodes";
  input.targets["small"] = {2, false};
  input.pods = {pod_of("a1")};
  ask_for(input, 1, 2);
  const PlannerDecision decision = plan(input);
  EXPECT_EQ(target_of(decision, "small").replicas, 1);
  EXPECT_EQ(target_of(decision, "other").replicas, 2);
  EXPECT_EQ(decision.groups.at("small").reason, "adds nothing: it is short of nodes");
}

TEST(Plan, empties_a_suspended_group) {
  PlannerInput input = small_cluster();
  input.groups[0].replicas_min = 1;
  input.groups[0].suspended = true;
  add_pod(input, "a1", 0s);
  const PlannerDecision decision = plan(input);
  EXPECT_EQ(target_of(decision).replicas, 0);
  ASSERT_EQ(decision.removals.size(), 1U);
  EXPECT_EQ(decision.removals[0].reason, "the group is suspended");
}

TEST(Plan, drains_pods_of_a_group_that_is_not_in_the_file) {
  PlannerInput input = small_cluster();
  add_pod(input, "a1", 0s);
  input.pods[0].group = "gone";
  const PlannerDecision decision = plan(input);
  ASSERT_EQ(decision.removals.size(), 1U);
  EXPECT_EQ(decision.removals[0].drain, DrainReason::Preemption);
  EXPECT_EQ(decision.removals[0].reason, "its group is not in the file");
}

TEST(Plan, conservative_upscaling_doubles) {
  PlannerInput input = small_cluster();
  input.groups[0].replicas_max = 10;
  input.options.upscaling = UpscalingMode::Conservative;
  ask_for(input, 1, 10);
  EXPECT_EQ(target_of(plan(input)).replicas, 1);
  add_pod(input, "a1", 0s);
  add_pod(input, "a2", 0s);
  const PlannerDecision decision = plan(input);
  EXPECT_EQ(target_of(decision).replicas, 4);
  EXPECT_NE(decision.groups.at("small").reason.find("6 replicas wait for others to run"),
            std::string::npos);
}

PlannerInput slices() {
  PlannerInput input = small_cluster();
  input.groups[0].hosts = 2;
  for (const char* name : {"a1", "a2", "b1", "b2"}) {
    add_pod(input, name, 100s);
    input.pods.back().replica = name[0] == 'a' ? "0" : "1";
  }
  return input;
}

TEST(Plan, takes_replicas_of_several_hosts_as_units) {
  PlannerInput input = slices();
  EXPECT_EQ(plan(input).removals.size(), 4U);
  input.state.nodes[1] = node_of(input.pods[1], 0s);  // a2 is in use
  const PlannerDecision decision = plan(input);
  ASSERT_EQ(decision.removals.size(), 2U);
  EXPECT_EQ(decision.removals[0].pod, "b1");
  EXPECT_EQ(decision.kept[0].reason, "a host of its replica stays: it is in use");
  EXPECT_EQ(target_of(decision).replicas, 1);
}

TEST(Plan, rounds_hosts_up_to_replicas) {
  PlannerInput input = small_cluster();
  input.groups[0].hosts = 4;
  ask_for(input, 1, 5);
  EXPECT_EQ(target_of(plan(input)).replicas, 2);
}

TEST(Plan, keeps_the_minimum_of_replicas_of_several_hosts_whole) {
  PlannerInput input = slices();
  input.groups[0].replicas_min = 1;
  const PlannerDecision decision = plan(input);
  ASSERT_EQ(decision.removals.size(), 2U);
  EXPECT_EQ(decision.removals[0].replica, decision.removals[1].replica);
}

TEST(Plan, leaves_a_pod_alone_whose_drain_was_refused) {
  PlannerInput input = small_cluster();
  add_pod(input, "a1", 100s);
  input.refused["a1"] = "the head refused to drain it";
  const PlannerDecision decision = plan(input);
  EXPECT_TRUE(decision.removals.empty());
  ASSERT_EQ(decision.kept.size(), 1U);
  EXPECT_EQ(decision.kept[0].reason, "the head refused to drain it");
}

TEST(Plan, takes_what_a_node_that_has_not_reported_yet_will_have) {
  PlannerInput input = small_cluster();
  add_pod(input, "a1", 0s);
  input.state.nodes[0].total.clear();
  input.state.nodes[0].available.clear();
  ask_for(input, 1, 1);
  EXPECT_EQ(target_of(plan(input)).replicas, 1);
}

TEST(Plan, counts_the_head_as_capacity) {
  PlannerInput input = small_cluster();
  RayNode head = node_of(pod_of("h0", "headgroup"), 100s);
  head.total["node:__internal_head__"] = k_units_per_whole;
  input.state.nodes = {head};
  ask_for(input, 1, 1);
  const PlannerDecision decision = plan(input);
  EXPECT_EQ(target_of(decision).replicas, 0);
  EXPECT_TRUE(decision.removals.empty());
}

TEST(Report, tells_of_what_is_missing_and_only_of_what_is_infeasible) {
  PlannerInput input = small_cluster();
  ask_for(input, 8, 1);
  ask_for(input, 1, 9);
  input.pods = {pod_of("a1")};
  const AutoscalingReport report =
      autoscaler::make_report(input, plan(input), {}, WallTime{1'000'000});
  ASSERT_EQ(report.pending_requests.size(), 1U);
  EXPECT_EQ(report.pending_requests[0].count, 4);
  ASSERT_EQ(report.pending_pods.size(), 1U);
  ASSERT_EQ(report.infeasible_requests.size(), 1U);
  EXPECT_EQ(report.infeasible_requests[0].bundle, cpus(8));
  EXPECT_EQ(report.seen_version, 7);
  EXPECT_EQ(report.state_version, 1'000'000);
}

TEST(GroupCapacity, is_what_ray_start_says) {
  GroupSpec group;
  group.ray_start_params = {{"num-cpus", "4"},
                            {"num-gpus", "0"},
                            {"memory", "1073741824"},
                            {"resources", R"('"{\"FPGA\": 2}"')"},
                            {"labels", "zone=a,team=ml"}};
  const autoscaler::GroupCapacity capacity = autoscaler::group_capacity(group);
  const ResourceAmounts expected = {
      {"CPU", to_units(4)}, {"FPGA", to_units(2)}, {"memory", to_units(1073741824)}};
  EXPECT_EQ(capacity.resources, expected);
  EXPECT_EQ(capacity.labels, (std::map<std::string, std::string>{{"team", "ml"}, {"zone", "a"}}));
}

}  // namespace
}  // namespace ray_gitops::test
