// How pods leave: what may be lost in a crash, what the head may answer, and what is never deleted.

#include "reconcilers/autoscaler/scale_down.h"

#include <algorithm>
#include <chrono>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/unit/autoscaler/cluster_facts.h"

namespace ray_gitops::test {
namespace {

using namespace std::chrono_literals;
using autoscaler::Admission;
using autoscaler::Guard;
using autoscaler::Removal;
using autoscaler::RemovalWish;
using autoscaler::ScaleDownInput;
using autoscaler::ScaleDownStep;
using autoscaler::ScaleState;
using autoscaler::Talk;
using autoscaler::WorkerPod;

constexpr Now k_now{WallTime{1'000'000'000}, Instant{500'000}};

Removal removal_of(const WorkerPod& pod) {
  Removal removal;
  removal.pod = pod.name;
  removal.uid = pod.uid;
  removal.group = pod.group;
  removal.replica = pod.replica;
  removal.node_id = node_id_of(pod.name);
  removal.session = "session_1";
  removal.version = 7;
  removal.decided_at = k_now.wall;
  removal.reason = "idle for 61 s, longer than 60 s";
  return removal;
}

// One idle pod "a1" whose removal is saved; the head has answered since.
struct World {
  std::vector<WorkerPod> pods{pod_of("a1")};
  RayResourceState state;
  ScaleDownInput input;

  World() {
    state.session = "session_1";
    state.version = 8;
    state.nodes = {node_of(pods[0], 70s)};
    input.removals = {removal_of(pods[0])};
    input.now = k_now;
    input.state_seen_at = k_now.monotonic;
  }
  void add(const std::string& name) {
    pods.push_back(pod_of(name));
    state.nodes.push_back(node_of(pods.back(), 70s));
    input.removals.push_back(removal_of(pods.back()));
  }
  void make_slice() {
    for (WorkerPod& pod : pods) pod.replica = "0";
    for (Removal& removal : input.removals) removal.replica = "0";
  }
  void answer(const std::string& pod, bool accepted) {
    input.talks[pod] = {k_now.monotonic, DrainReply{accepted, accepted ? "" : "no longer idle"}};
  }
  ScaleDownStep advance() {
    input.pods = Known<std::vector<WorkerPod>>{pods};
    input.state = Known<RayResourceState>{state};
    return autoscaler::advance(input);
  }
};

TEST(Removal, begins_with_a_drain_of_the_saved_node) {
  World world;
  const ScaleDownStep step = world.advance();
  ASSERT_EQ(step.drains.size(), 1U);
  EXPECT_EQ(step.drains[0].node_id, node_id_of("a1"));
  EXPECT_EQ(step.drains[0].reason, DrainReason::IdleTermination);
  EXPECT_EQ(step.drains[0].message, "idle for 61 s, longer than 60 s");
  EXPECT_FALSE(step.drains[0].deadline);
  EXPECT_TRUE(step.deletions.empty());
  EXPECT_EQ(step.removals, world.input.removals);
}

TEST(Removal, deletes_nothing_because_a_drain_was_accepted) {
  World world;
  world.answer("a1", true);
  const ScaleDownStep step = world.advance();
  EXPECT_TRUE(step.deletions.empty());
  EXPECT_TRUE(step.drains.empty());
  ASSERT_EQ(step.waiting.size(), 1U);
  EXPECT_EQ(step.waiting[0].reason, "waits for its Ray node to drain");
}

TEST(Removal, deletes_the_pod_by_uid_once_its_node_is_drained_dead_or_gone) {
  for (const auto status : {RayNodeStatus::Draining, RayNodeStatus::Dead}) {
    World world;
    world.answer("a1", true);
    world.state.nodes[0].status = status;
    const ScaleDownStep step = world.advance();
    ASSERT_EQ(step.deletions.size(), 1U) << name_of(status);
    EXPECT_EQ(step.deletions[0].uid, "uid-a1");
    EXPECT_EQ(step.removals.size(), 1U) << "kept until the pod is gone";
  }
  World world;
  world.state.nodes.clear();
  EXPECT_EQ(world.advance().deletions.size(), 1U);
}

TEST(Removal, resumes_after_a_crash_before_and_after_the_drain) {
  World before;  // nothing was sent, or nobody knows
  EXPECT_EQ(before.advance().drains.size(), 1U);
  World after;  // it was sent and has worked
  after.state.nodes[0].status = RayNodeStatus::Draining;
  EXPECT_EQ(after.advance().deletions.size(), 1U);
}

TEST(Removal, is_forgotten_when_no_pod_has_its_uid) {
  World world;
  world.pods[0].uid = "uid-of-the-next-one";
  const ScaleDownStep step = world.advance();
  EXPECT_TRUE(step.removals.empty());
  EXPECT_TRUE(step.deletions.empty());
  EXPECT_TRUE(step.drains.empty());
}

TEST(Removal, is_given_up_when_the_head_refuses) {
  World world;
  world.answer("a1", false);
  const ScaleDownStep step = world.advance();
  EXPECT_TRUE(step.removals.empty());
  ASSERT_EQ(step.given_up.size(), 1U);
  EXPECT_TRUE(step.given_up[0].refused);
  EXPECT_EQ(step.given_up[0].reason, "the head refused: no longer idle");
}

TEST(Removal, of_an_idle_node_is_given_up_unasked_when_it_is_used_again) {
  World world;
  world.state.nodes[0] = node_of(world.pods[0], 0s);
  const ScaleDownStep step = world.advance();
  EXPECT_TRUE(step.drains.empty());
  EXPECT_TRUE(step.removals.empty());
  ASSERT_EQ(step.given_up.size(), 1U);
  EXPECT_FALSE(step.given_up[0].refused);
}

TEST(Removal, is_given_up_when_the_head_has_restarted) {
  World world;
  world.answer("a1", true);
  world.state.session = "session_2";
  world.state.nodes.clear();
  const ScaleDownStep step = world.advance();
  EXPECT_TRUE(step.removals.empty());
  EXPECT_TRUE(step.deletions.empty());
  EXPECT_EQ(step.given_up[0].reason, "the head has restarted since: its nodes are others");
}

TEST(Removal, waits_while_head_or_pods_are_unknown_or_old) {
  World world;
  world.state.nodes.clear();
  world.input.state_seen_at = Instant{k_now.monotonic.milliseconds - 6'000};
  EXPECT_TRUE(world.advance().deletions.empty());
  world.input.state_seen_at = k_now.monotonic;
  world.input.state = Unknown{"no answer"};
  world.input.pods = Known<std::vector<WorkerPod>>{world.pods};
  const ScaleDownStep blind = autoscaler::advance(world.input);
  EXPECT_TRUE(blind.deletions.empty());
  EXPECT_EQ(blind.removals.size(), 1U);
  EXPECT_EQ(blind.waiting[0].reason, "no answer");
  world.input.pods = Unknown{"the list of pods is not complete yet"};
  EXPECT_EQ(autoscaler::advance(world.input).removals.size(), 1U);
}

TEST(Removal, does_not_take_an_old_answer_for_the_nodes_end) {
  World world;
  world.state.nodes.clear();
  world.state.version = 7;
  EXPECT_TRUE(world.advance().deletions.empty());
}

TEST(Removal, keeps_a_pod_in_which_another_node_has_started) {
  World world;
  world.answer("a1", true);
  world.state.nodes[0].node_id = node_id_of("b2");
  const ScaleDownStep step = world.advance();
  EXPECT_TRUE(step.deletions.empty());
  EXPECT_TRUE(step.removals.empty());
}

TEST(Removal, of_a_draining_node_waits_for_its_work) {
  World world;
  world.state.nodes[0].status = RayNodeStatus::Draining;
  world.state.nodes[0].available = cpus(0);
  EXPECT_TRUE(world.advance().deletions.empty());
  world.state.nodes[0].available = cpus(1);
  world.state.nodes[0].activity = {"Busy workers on node."};
  EXPECT_TRUE(world.advance().deletions.empty());
}

TEST(Removal, by_preemption_deletes_busy_pods_only_when_its_time_is_over) {
  World world;
  world.input.removals[0].drain = DrainReason::Preemption;
  world.state.nodes[0] = node_of(world.pods[0], 0s);
  const ScaleDownStep first = world.advance();
  ASSERT_EQ(first.drains.size(), 1U);
  EXPECT_EQ(first.drains[0].deadline, k_now.wall + autoscaler::k_drain_budget);
  world.state.nodes[0].status = RayNodeStatus::Draining;
  EXPECT_TRUE(world.advance().deletions.empty());
  world.input.now.wall = k_now.wall + autoscaler::k_drain_budget;
  EXPECT_EQ(world.advance().deletions.size(), 1U);
}

TEST(Removal, by_preemption_waits_for_a_report_that_is_younger_than_the_drain) {
  World world;
  world.input.removals[0].drain = DrainReason::Preemption;
  world.state.nodes[0].status = RayNodeStatus::Draining;
  EXPECT_TRUE(world.advance().deletions.empty()) << "after a restart nobody knows";
  world.answer("a1", true);
  EXPECT_TRUE(world.advance().deletions.empty()) << "a task may have begun just before";
  world.input.now.monotonic = k_now.monotonic + autoscaler::k_report_age_max;
  world.input.state_seen_at = world.input.now.monotonic;
  EXPECT_EQ(world.advance().deletions.size(), 1U);
  world.state.nodes[0].total.clear();
  world.state.nodes[0].available.clear();
  EXPECT_TRUE(world.advance().deletions.empty()) << "it has reported nothing";
}

TEST(Removal, of_a_pod_that_is_no_ray_node_deletes_it_at_once_unless_it_has_become_one) {
  World world;
  world.input.removals[0].node_id = "";
  const ScaleDownStep joined = world.advance();
  EXPECT_TRUE(joined.deletions.empty());
  EXPECT_TRUE(joined.removals.empty());
  world.state.nodes.clear();
  EXPECT_EQ(world.advance().deletions.size(), 1U);
}

TEST(Removal, gives_up_when_no_answer_to_the_drain_comes) {
  World world;
  world.input.talks["a1"] = {Instant{k_now.monotonic.milliseconds - 29'000}, std::nullopt};
  EXPECT_TRUE(world.advance().given_up.empty());
  world.input.talks["a1"] = {Instant{k_now.monotonic.milliseconds - 30'000}, std::nullopt};
  EXPECT_EQ(world.advance().given_up.size(), 1U);
}

TEST(RemovalOfAReplica, asks_one_host_after_the_other) {
  World world;
  world.add("a2");
  world.make_slice();
  EXPECT_EQ(world.advance().drained, (std::vector<std::string>{"a1"}));
  world.answer("a1", true);
  EXPECT_EQ(world.advance().drained, (std::vector<std::string>{"a2"}));
}

TEST(RemovalOfAReplica, keeps_all_hosts_when_the_first_refuses_or_one_is_in_use) {
  World world;
  world.add("a2");
  world.make_slice();
  world.answer("a1", false);
  ScaleDownStep step = world.advance();
  EXPECT_TRUE(step.removals.empty());
  EXPECT_TRUE(step.drains.empty());
  EXPECT_EQ(step.given_up.size(), 2U);
  world.input.talks.clear();
  world.state.nodes[1] = node_of(world.pods[1], 0s);
  step = world.advance();
  EXPECT_TRUE(step.removals.empty());
  EXPECT_TRUE(step.drains.empty()) << "the drain of a1 must not be sent";
}

TEST(RemovalOfAReplica, goes_on_to_the_end_when_a_host_is_drained_already) {
  World world;
  world.add("a2");
  world.make_slice();
  world.state.nodes[0].status = RayNodeStatus::Draining;
  world.answer("a1", true);
  world.answer("a2", false);
  const ScaleDownStep step = world.advance();
  ASSERT_EQ(step.removals.size(), 2U);
  EXPECT_EQ(step.removals[1].drain, DrainReason::Preemption);
  ASSERT_EQ(step.drains.size(), 1U);
  EXPECT_EQ(step.drains[0].reason, DrainReason::Preemption);
}

struct Cluster {
  std::vector<WorkerPod> pods;
  RayResourceState state;
  std::vector<RemovalWish> wishes;
  Guard guard;
  explicit Cluster(int count) {
    state.session = "session_1";
    state.version = 7;
    for (int index = 0; index < count; ++index) {
      const std::string name = "pod-" + std::to_string(100 + index);
      pods.push_back(pod_of(name));
      state.nodes.push_back(node_of(pods.back(), 70s));
      wishes.push_back({name, "uid-" + name, "small", "", node_id_of(name),
                        DrainReason::IdleTermination, "idle"});
    }
    guard.session_seen_at = Instant{0};
  }
  Admission admit(const std::vector<Removal>& saved = {}) const {
    return autoscaler::admit(wishes, saved, pods, state, guard, k_now);
  }
};

TEST(Admission, lets_a_tenth_of_the_workers_leave_in_a_window_and_always_one) {
  EXPECT_EQ(Cluster(5).admit().removals.size(), 1U);
  Cluster many(40);
  const Admission first = many.admit();
  EXPECT_EQ(first.removals.size(), 4U);
  EXPECT_EQ(first.waiting.size(), 36U);
  many.guard.admitted.assign(4, k_now.monotonic);
  EXPECT_TRUE(many.admit(first.removals).removals.empty());
  many.guard.admitted.assign(4, Instant{k_now.monotonic.milliseconds - 10'000});
  const Admission second = many.admit(first.removals);
  ASSERT_EQ(second.removals.size(), 4U);
  EXPECT_EQ(second.removals[0].pod, "pod-104");
}

TEST(Admission, takes_the_hosts_of_a_replica_together) {
  Cluster cluster(4);
  for (RemovalWish& wish : cluster.wishes) wish.replica = "0";
  EXPECT_EQ(cluster.admit().removals.size(), 4U);
  cluster.guard.admitted = {k_now.monotonic};
  EXPECT_TRUE(cluster.admit().removals.empty());
}

TEST(Admission, is_frozen_after_starts_and_failed_reads) {
  Cluster cluster(3);
  const Instant lately{k_now.monotonic.milliseconds - 59'000};
  cluster.guard.agent_started_at = lately;
  EXPECT_EQ(cluster.admit().waiting[0].reason, "the agent has just started");
  cluster.guard.agent_started_at = Instant{0};
  cluster.guard.session_seen_at = lately;
  EXPECT_EQ(cluster.admit().waiting[0].reason, "the head has just started");
  cluster.guard.session_seen_at = Instant{0};
  cluster.guard.read_failed_at = lately;
  EXPECT_TRUE(cluster.admit().removals.empty());
  cluster.guard.read_failed_at = Instant{k_now.monotonic.milliseconds - 60'000};
  EXPECT_EQ(cluster.admit().removals.size(), 1U);
}

TEST(Admission, is_frozen_while_the_head_does_not_know_many_of_the_ready_pods) {
  Cluster cluster(6);
  cluster.state.nodes.resize(3);
  EXPECT_EQ(cluster.admit().waiting[0].reason, "the head does not know 3 of 6 ready pods");
  Cluster most(6);
  most.state.nodes.resize(4);
  EXPECT_EQ(most.admit().removals.size(), 1U);
}

TEST(ScaleStateDocument, keeps_everything) {
  ScaleState state;
  state.targets["small"] = {3, true};
  state.removals = {removal_of(pod_of("a1")), removal_of(pod_of("a2"))};
  state.removals[1].drain = DrainReason::Preemption;
  state.removals[1].replica = "0";
  const auto read = autoscaler::parse_scale_state(autoscaler::scale_state_document(state));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, state);
}

TEST(ScaleStateDocument, is_refused_when_a_removal_cannot_be_read) {
  const ScaleState state{{}, {removal_of(pod_of("a1"))}};
  const nlohmann::json good = autoscaler::scale_state_document(state).json();
  for (const char* name : {"pod", "uid", "drain", "nodeId"}) {
    nlohmann::json bad = good;
    bad["removals"][0][name] = name == std::string("nodeId") ? "abc" : "";
    EXPECT_FALSE(autoscaler::parse_scale_state(Document{bad}).has_value()) << name;
  }
  EXPECT_FALSE(autoscaler::parse_scale_state(Document{}).has_value());
}

// No answer in such a world is young enough for another drain.
bool deletion_is_for_idleness(const World& world, const std::string& pod) {
  return std::any_of(world.input.removals.begin(), world.input.removals.end(),
                     [&](const Removal& each) {
                       return each.pod == pod && each.drain == DrainReason::IdleTermination;
                     });
}

// Any removal in any world: a pod is deleted only on proof that no work is lost.
RC_GTEST_PROP(RemovalProperty, deletes_only_what_the_head_says_is_drained_or_gone, ()) {
  using rc::gen::element;
  World world;
  world.add("a2");
  if (*rc::gen::inRange(0, 2) == 0) world.make_slice();
  for (std::size_t index = 0; index < 2; ++index) {
    RayNode& node = world.state.nodes[index];
    node.status = *element(RayNodeStatus::Running, RayNodeStatus::Idle, RayNodeStatus::Draining,
                           RayNodeStatus::Dead);
    node.available = *element(cpus(0), cpus(1));
    node.node_id = *element(node_id_of("a1"), node_id_of("a2"), node_id_of("b3"));
    world.pods[index].terminating = *rc::gen::inRange(0, 5) == 0;
    world.input.removals[index].drain =
        *element(DrainReason::IdleTermination, DrainReason::Preemption);
    if (*rc::gen::inRange(0, 2) == 0)
      world.answer(world.pods[index].name, *rc::gen::inRange(0, 2) == 0);
  }
  world.state.session = *element<std::string>("session_1", "session_1", "session_2");
  world.state.version = *element(7, 8);
  const ScaleDownStep step = world.advance();
  for (const auto& deletion : step.deletions) {
    RC_ASSERT(world.state.session == "session_1");
    RC_ASSERT(world.state.version > 7);
    for (const RayNode& node : world.state.nodes) {
      if (node.instance_id != deletion.pod || node.status == RayNodeStatus::Dead) continue;
      RC_ASSERT(node.status == RayNodeStatus::Draining);
      RC_ASSERT(node.available == node.total);
      RC_ASSERT(deletion_is_for_idleness(world, deletion.pod));
      RC_ASSERT(node.node_id == node_id_of(deletion.pod));
    }
  }
  // What is asked for, waits or is deleted is saved still; what is given up is not.
  for (const std::string& pod : step.drained)
    RC_ASSERT(std::any_of(step.removals.begin(), step.removals.end(),
                          [&](const Removal& each) { return each.pod == pod; }));
  for (const auto& given_up : step.given_up)
    RC_ASSERT(std::none_of(step.removals.begin(), step.removals.end(),
                           [&](const Removal& each) { return each.pod == given_up.pod; }));
}

}  // namespace
}  // namespace ray_gitops::test
