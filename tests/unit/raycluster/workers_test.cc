#include "reconcilers/raycluster/workers.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "reconcilers/manifest/names.h"

namespace ray_gitops::raycluster {
namespace {

PodFailures failures(int count) { return {.count = count, .last = {1000}}; }

TEST(ReplacementDelay, doubles_from_the_second_failure_to_a_minute) {
  EXPECT_FALSE(replacement_due(nullptr));
  const std::vector<std::pair<int, int>> seconds{{2, 2},  {3, 4},  {4, 8},   {5, 16},
                                                 {6, 32}, {7, 60}, {100, 60}};
  const PodFailures once = failures(1);
  EXPECT_FALSE(replacement_due(&once));
  for (const auto& [count, delay] : seconds) {
    const PodFailures some = failures(count);
    EXPECT_EQ(replacement_due(&some), Instant{1000} + std::chrono::seconds(delay)) << count;
  }
}

TEST(WantedPods, of_a_suspended_group_are_none) {
  GroupSpec group;
  group.replicas = 3;
  EXPECT_EQ(wanted_pods(group), 3);
  group.suspend = true;
  EXPECT_EQ(wanted_pods(group), 0);
}

TEST(DecideGroup, never_fills_more_slots_than_are_wanted) {
  GroupSpec group;
  group.replicas = 5;
  const Pods none;
  GroupInput input;
  input.facts.group = &group;
  input.pods = &none;
  input.taken_slots = {0, 2, 3};
  const GroupDecision decision = decide_group(input, {0});
  EXPECT_EQ(decision.slots, (std::vector<std::int64_t>{1, 4, 5, 6, 7}));
  EXPECT_FALSE(decision.settled);
}

TEST(DecideGroup, does_not_make_again_what_is_on_its_way_nor_more_than_asked) {
  GroupSpec group;
  group.replicas = 5;
  const Pods none;
  GroupInput input;
  input.facts.group = &group;
  input.pods = &none;
  input.taken_slots = {0, 1};
  input.creating = {0, 1};
  EXPECT_EQ(decide_group(input, {0}).slots, (std::vector<std::int64_t>{2, 3, 4}));
  input.creates_max = 1;
  EXPECT_EQ(decide_group(input, {0}).slots, std::vector<std::int64_t>{2});
  input.taken_slots = input.creating = {0, 1, 2, 3, 4};
  const GroupDecision decision = decide_group(input, {0});
  EXPECT_TRUE(decision.slots.empty());
  EXPECT_TRUE(decision.filling);
  EXPECT_FALSE(decision.settled);
}

TEST(DecideGroup, is_settled_when_nothing_is_wanted_or_there) {
  const GroupSpec group;
  const Pods none;
  GroupInput input;
  input.facts.group = &group;
  input.pods = &none;
  EXPECT_TRUE(decide_group(input, {0}).settled);
}

// The planner counts pods, of which one may have gone while nobody looked.
TEST(DecideGroup, makes_replicas_whole_also_beyond_what_the_autoscaler_wants) {
  GroupSpec group;
  group.name = "small";
  group.hosts = 2;
  group.replicas = 1;
  std::vector<PodView> views(2);
  Pods pods;
  for (std::size_t index = 0; index < views.size(); ++index) {
    views[index].meta.key.name = worker_pod_name("demo", "small", static_cast<int>(2 * index));
    views[index].replica = replica_name("small", static_cast<int>(index));
    pods.push_back(&views[index]);
  }
  const ClusterScaling scaling;
  GroupInput input;
  input.facts = {.cluster = "demo", .group = &group, .lost = {}, .foreign_slots = {}};
  input.pods = &pods;
  input.taken_slots = {0, 2};
  input.scaling = &scaling;
  EXPECT_EQ(decide_group(input, {0}).slots, (std::vector<std::int64_t>{1, 3}));
  group.suspend = true;
  EXPECT_TRUE(decide_group(input, {0}).slots.empty());
}

}  // namespace
}  // namespace ray_gitops::raycluster
