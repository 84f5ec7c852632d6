// One look at one cluster: what is saved, what follows from it, and when there is reason to look
// again.

#include "reconcilers/autoscaler/round.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/autoscaler/cluster_facts.h"

namespace ray_gitops::test {
namespace {

using namespace std::chrono_literals;
using autoscaler::decide_round;
using autoscaler::Round;
using autoscaler::RoundInput;
using autoscaler::targets_in_force;
using autoscaler::WorkerPod;

constexpr Now k_now{WallTime{1'000'000'000}, Instant{500'000}};

GroupSpec group_spec(std::int64_t replicas, std::int64_t least, std::int64_t most) {
  GroupSpec group;
  group.name = "small";
  group.ray_start_params = {{"num-cpus", "1"}};
  group.replicas = replicas;
  group.min_replicas = least;
  group.max_replicas = most;
  return group;
}

class RoundTest : public testing::Test {
 protected:
  RoundTest() {
    spec.workers = {group_spec(0, 0, 3)};
    state.session = "session_1";
    state.version = 7;
    input.spec = &spec;
    input.saved.targets = {{"small", {0, false}}};
    input.state_seen_at = k_now.monotonic;
    input.guard.agent_started_at = Instant{0};
    input.guard.session_seen_at = Instant{0};
    input.now = k_now;
    input.plans = true;
  }
  void add_node(const std::string& name, Duration idle) {
    input.pods.push_back(pod_of(name));
    state.nodes.push_back(node_of(input.pods.back(), idle));
  }
  void demand(std::int64_t count) { state.pending[{cpus(1), {}, {}}] = count; }
  Round decide() {
    if (answers) input.state = Known<RayResourceState>{state};
    return decide_round(input);
  }
  std::int64_t target(const Round& round) const { return round.next.targets.at("small").replicas; }

  RayClusterSpec spec;
  RayResourceState state;
  RoundInput input;
  bool answers = true;
};

TEST_F(RoundTest, plans_for_demand_and_creates_only_for_what_is_saved) {
  demand(2);
  const Round round = decide();
  EXPECT_EQ(target(round), 2);
  EXPECT_EQ(targets_in_force(*input.spec, input.saved, round.next).at("small"), 0);
  EXPECT_EQ(targets_in_force(*input.spec, round.next, round.next).at("small"), 2);
}

TEST_F(RoundTest, a_new_group_begins_with_the_replicas_of_its_file) {
  spec.workers = {group_spec(2, 0, 3)};
  input.saved = {};
  input.plans = false;
  const Round round = decide();
  EXPECT_EQ(round.next.targets.at("small"), (autoscaler::GroupTarget{2, true}));
  EXPECT_EQ(targets_in_force(*input.spec, input.saved, round.next).at("small"), 2);
}

TEST_F(RoundTest, without_an_answer_targets_stay_within_the_bounds_of_the_file) {
  answers = false;
  input.state = Unknown{"no answer"};
  input.saved.targets["small"] = {3, false};
  EXPECT_EQ(target(decide()), 3);
  spec.workers = {group_spec(0, 0, 2)};
  EXPECT_EQ(target(decide()), 2);
  spec.workers = {group_spec(0, 4, 9)};
  const Round round = decide();
  EXPECT_EQ(target(round), 4);
  EXPECT_FALSE(round.decision);
}

TEST_F(RoundTest, a_removal_is_saved_before_its_drain_is_sent) {
  add_node("a1", 70s);
  input.saved.targets["small"] = {1, false};
  const Round first = decide();
  ASSERT_EQ(first.next.removals.size(), 1U);
  EXPECT_TRUE(first.step.drains.empty());

  input.saved = first.next;
  input.plans = false;
  ++state.version;
  const Round second = decide();
  ASSERT_EQ(second.step.drained, std::vector<std::string>{"a1"});
  EXPECT_TRUE(second.drains_are_saved);
  EXPECT_TRUE(second.step.deletions.empty());
}

TEST_F(RoundTest, a_pod_whose_node_has_ended_after_its_drain_is_deleted) {
  add_node("a1", 70s);
  input.saved.targets["small"] = {1, false};
  input.saved = decide().next;
  state.nodes[0].status = RayNodeStatus::Dead;
  ++state.version;
  const Round round = decide();
  ASSERT_EQ(round.step.deletions.size(), 1U);
  EXPECT_EQ(round.step.deletions[0].uid, "uid-a1");
}

TEST_F(RoundTest, nothing_is_deleted_while_the_head_is_silent) {
  add_node("a1", 70s);
  input.saved.targets["small"] = {1, false};
  input.saved = decide().next;
  answers = false;
  input.state = Unknown{"no answer"};
  const Round round = decide();
  EXPECT_TRUE(round.step.deletions.empty());
  EXPECT_TRUE(round.step.drains.empty());
}

TEST_F(RoundTest, is_active_with_demand_or_change_only) {
  add_node("a1", 5s);
  const auto active = [&] {
    const Round round = decide();
    return autoscaler::is_active(input, round);
  };
  EXPECT_FALSE(active());
  input.pods[0].ready = false;
  EXPECT_TRUE(active());
  input.pods[0].ready = true;
  demand(1);
  EXPECT_TRUE(active());
}

TEST_F(RoundTest, looks_again_when_a_worker_has_been_idle_for_long_enough) {
  const Instant seen = k_now.monotonic;
  EXPECT_FALSE(autoscaler::next_idle_look(spec, state, seen));
  add_node("a1", 10s);
  add_node("a2", 20s);
  EXPECT_EQ(autoscaler::next_idle_look(spec, state, seen), seen + 40s + 10ms);
  spec.workers[0].idle_timeout = 30s;
  EXPECT_EQ(autoscaler::next_idle_look(spec, state, seen), seen + 10s + 10ms);
  spec.workers[0].idle_timeout = 20s;  // as long as a2: no longer yet
  EXPECT_EQ(autoscaler::next_idle_look(spec, state, seen), seen + 500ms);
  spec.workers[0].idle_timeout = 20s - 1ms;
  EXPECT_EQ(autoscaler::next_idle_look(spec, state, seen), seen + 10s + 9ms);
}

TEST_F(RoundTest, looks_no_sooner_for_many_workers_than_for_one) {
  const Instant seen = k_now.monotonic;
  for (int index = 0; index < 100; ++index)
    add_node("a" + std::to_string(index), 60s - std::chrono::milliseconds(index));
  EXPECT_EQ(autoscaler::next_idle_look(spec, state, seen), seen + 500ms);
}

TEST(WorkerPods, are_those_of_the_anchor_and_of_its_incarnation) {
  PodView pod;
  pod.meta.key = {ResourceType::Pod, "default", "demo-small-worker-0"};
  pod.meta.uid = "uid-1";
  pod.meta.owner_uid = "anchor";
  pod.group = "small";
  pod.replica = "small-0";
  pod.incarnation = 2;
  pod.phase = PodPhase::Failed;
  std::vector<PodView> pods(4, pod);
  pods[1].meta.owner_uid = "another";
  pods[2].incarnation = 1;
  pods[3].group = k_head_group_name;
  const auto workers = autoscaler::worker_pods(pods, "anchor", 2);
  ASSERT_EQ(workers.size(), 1U);
  EXPECT_EQ(workers[0].uid, "uid-1");
  EXPECT_EQ(workers[0].replica, "small-0");
  EXPECT_TRUE(workers[0].ended);
}

TEST(GroupsOf, say_what_a_file_says_and_what_stands_in_the_way) {
  RayClusterSpec spec;
  spec.workers = {group_spec(1, 1, 5)};
  spec.workers[0].priority = 3;
  spec.workers[0].hosts = 4;
  const auto groups = autoscaler::groups_of(spec, {{"small", "is refused pods: quota"}});
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].capacity, cpus(1));
  EXPECT_EQ(groups[0].replicas_min, 1);
  EXPECT_EQ(groups[0].replicas_max, 5);
  EXPECT_EQ(groups[0].priority, 3);
  EXPECT_EQ(groups[0].hosts, 4);
  EXPECT_EQ(groups[0].backed_off, "is refused pods: quota");
}

}  // namespace
}  // namespace ray_gitops::test
