// Which clusters there are: one that serves, another one beside it while that takes its place, and
// what changes in place.

#include <gtest/gtest.h>

#include "reconcilers/manifest/anchor.h"
#include "tests/unit/rayservice/service_world.h"

namespace ray_gitops::test {
namespace {

constexpr Duration k_deletion_delay = std::chrono::seconds(60);

// Steps until another cluster is active; requests are answered all the way.
void upgrade(ServiceWorld& world, const ServiceFile& file) {
  const std::string before = world.active();
  world.file = declare(file);
  for (int step = 0; step < 40 && world.active() == before; ++step) {
    world.step();
    EXPECT_TRUE(world.serving_config().has_value()) << said(world.plan());
  }
  EXPECT_NE(world.active(), before);
}

TEST(Service, goes_from_its_file_to_ready_with_one_cluster_and_one_put) {
  ServiceWorld world({});
  const Plan plan = start(world);
  EXPECT_EQ(plan.phase, Phase::Ready);
  EXPECT_EQ(world.clusters.size(), 1u);
  EXPECT_EQ(world.puts.at(world.active()), 1);
  EXPECT_EQ(world.serving_config(), "1:app");
  EXPECT_EQ(plan.conditions.at(0).type, "Ready");
  EXPECT_TRUE(plan.conditions.at(0).status);
  EXPECT_EQ(plan.conditions.at(1).reason, "NoPendingCluster");
}

TEST(Service, names_a_cluster_in_its_anchor_before_it_makes_it) {
  ServiceWorld world({});
  world.step();
  EXPECT_EQ(world.state(), ServiceState{});
  world.step();
  EXPECT_EQ(world.state().made, 1);
  ASSERT_EQ(world.state().clusters.size(), 1u);
  EXPECT_TRUE(world.clusters.empty());
  world.step();
  EXPECT_TRUE(world.clusters.contains(world.state().clusters[0].name));
}

TEST(Upgrade, is_ready_by_its_condition_while_the_anchor_is_saved) {
  ServiceWorld world({});
  start(world);
  world.file = declare({.head = "2"});
  const Plan plan = world.plan();
  EXPECT_EQ(plan.reason, "DocumentChanged");
  EXPECT_TRUE(plan.conditions.at(0).status);
  EXPECT_EQ(plan.conditions.at(1).reason, "BothActivePendingClustersExist");
}

TEST(Upgrade, that_is_taken_back_moves_on_a_new_answer_only) {
  ServiceWorld world({});
  start(world);
  const std::string before = world.active();
  upgrade(world, {.head = "2"});
  settle(world);
  world.restart_head(before);  // and what it served is gone
  for (int step = 0; step < 5; ++step) world.step();
  world.file = declare({});
  for (int step = 0; step < 40; ++step) {
    world.step();
    EXPECT_TRUE(world.serving_config().has_value()) << said(world.plan());
  }
  EXPECT_EQ(world.active(), before);
}

TEST(Upgrade, serves_all_the_way_and_takes_the_old_cluster_away_after_its_delay) {
  ServiceWorld world({});
  start(world);
  const std::string before = world.active();
  upgrade(world, {.head = "2", .config = "2"});
  settle(world);
  EXPECT_EQ(world.serving_config(), "2:app");
  EXPECT_EQ(world.puts.at(before), 1) << "the old cluster keeps what it has";
  EXPECT_EQ(world.clusters.size(), 2u);
  world.pass(k_deletion_delay);
  const Plan plan = settle(world);
  EXPECT_EQ(plan.phase, Phase::Ready);
  EXPECT_EQ(world.clusters.size(), 1u);
  EXPECT_FALSE(world.clusters.contains(before));
  EXPECT_FALSE(plan.next_look_at && *plan.next_look_at <= world.now.monotonic);
}

TEST(Upgrade, looks_again_when_the_old_cluster_is_to_leave) {
  ServiceWorld world({});
  start(world);
  upgrade(world, {.head = "2", .fields = "  rayClusterDeletionDelaySeconds: 3\n"});
  world.step();
  const WallTime leaves_at = *world.state().clusters.at(0).leaves_at;
  EXPECT_EQ(world.plan().next_look_at, world.now.monotonic + (leaves_at - world.now.wall));
  settle(world);
  EXPECT_EQ(world.clusters.size(), 1u) << "three seconds have passed meanwhile";
}

TEST(Upgrade, says_which_cluster_serves_and_what_the_other_waits_for) {
  ServiceWorld world({});
  start(world);
  world.file = declare({.head = "2"});
  const Plan plan = step_until(world, "UpgradeInProgress");
  EXPECT_EQ(plan.phase, Phase::Progressing);
  EXPECT_NE(plan.message.find("RayCluster " + world.active() + " serves"), std::string::npos);
  EXPECT_NE(plan.message.find(world.state().clusters.back().name), std::string::npos);
  EXPECT_TRUE(plan.conditions.at(0).status) << "traffic is served";
  EXPECT_EQ(plan.conditions.at(1).reason, "BothActivePendingClustersExist");
  EXPECT_TRUE(plan.conditions.at(1).status);
}

TEST(Upgrade, takes_back_to_the_running_cluster_at_once) {
  ServiceWorld world({});
  start(world);
  const std::string first = world.active();
  world.file = declare({.head = "2"});
  step_until(world, "UpgradeInProgress");
  world.step();
  EXPECT_EQ(world.staying(), 2u);
  world.file = declare({});
  EXPECT_EQ(settle(world).phase, Phase::Ready);
  EXPECT_EQ(world.active(), first);
  EXPECT_EQ(world.clusters.size(), 1u);
  EXPECT_EQ(world.names_created.size(), 2u);
}

TEST(Upgrade, takes_back_to_the_one_before_until_that_has_left) {
  ServiceWorld world({});
  start(world);
  const std::string first = world.active();
  upgrade(world, {.head = "2"});
  const std::string second = world.active();
  upgrade(world, {});
  EXPECT_EQ(world.active(), first);
  EXPECT_EQ(world.names_created.size(), 2u) << "no third cluster";
  EXPECT_FALSE(world.state().clusters.at(0).leaves_at);
  EXPECT_TRUE(world.state().clusters.at(1).leaves_at);
  world.pass(k_deletion_delay);
  settle(world);
  EXPECT_FALSE(world.clusters.contains(second));
  upgrade(world, {.head = "2"});
  EXPECT_EQ(world.names_created.size(), 3u) << "its name is not used twice";
}

TEST(Upgrade, to_a_third_cluster_drops_the_second_that_never_served) {
  ServiceWorld world({});
  start(world);
  const std::string first = world.active();
  world.file = declare({.head = "2"});
  step_until(world, "UpgradeInProgress");
  world.step();
  const std::string second = world.state().clusters.back().name;
  world.file = declare({.head = "3"});
  world.step();
  world.step();
  EXPECT_TRUE(world.cluster(second).leaving);
  EXPECT_EQ(world.active(), first);
  settle(world);
  EXPECT_EQ(world.clusters.size(), 2u);
  EXPECT_NE(world.active(), first);
}

TEST(Upgrade, of_a_first_cluster_that_never_served_makes_another) {
  ServiceWorld world({.config = "bad"});
  step_until(world, "ApplicationFailed");
  world.file = declare({.head = "2"});
  EXPECT_EQ(settle(world).phase, Phase::Ready);
  EXPECT_EQ(world.clusters.size(), 1u);
}

TEST(Upgrade, waits_while_the_strategy_is_none_and_says_so) {
  ServiceWorld world({});
  start(world);
  const std::string first = world.active();
  const std::string document = world.children.at(0).spec_hash;
  world.file = declare({.head = "2", .config = "2", .fields = "  upgradeStrategy: {type: None}\n"});
  const Plan plan = settle(world);
  EXPECT_EQ(plan.phase, Phase::Ready);
  EXPECT_EQ(world.active(), first);
  EXPECT_EQ(world.names_created.size(), 1u);
  EXPECT_EQ(world.children.at(0).spec_hash, document);
  EXPECT_EQ(world.serving_config(), "2:app") << "the Serve configuration does not wait";
  EXPECT_NE(plan.message.find("upgradeStrategy.type is None"), std::string::npos);
  EXPECT_EQ(plan.conditions.back().type, "ClusterChangeWaits");
  world.file = declare({.head = "2", .config = "2"});
  EXPECT_EQ(settle(world).phase, Phase::Ready);
  EXPECT_NE(world.active(), first);
}

TEST(Upgrade, makes_a_cluster_even_when_the_strategy_is_none_and_there_is_none) {
  ServiceWorld world({.fields = "  upgradeStrategy: {type: None}\n"});
  EXPECT_EQ(start(world).phase, Phase::Ready);
  world.file = declare({.head = "2", .fields = "  upgradeStrategy: {type: None}\n"});
  settle(world);
  world.delete_child(world.active());
  EXPECT_EQ(settle(world).phase, Phase::Ready);
  EXPECT_EQ(world.plan().conditions.size(), 2u) << "nothing waits any more";
}

TEST(Change, of_scale_goes_to_the_running_cluster) {
  ServiceWorld world({});
  start(world);
  EXPECT_EQ(world.cluster(world.active()).pods.size(), 2u);
  world.file = declare({.replicas = 3});
  EXPECT_EQ(settle(world).phase, Phase::Ready);
  EXPECT_EQ(world.cluster(world.active()).pods.size(), 4u);
  EXPECT_EQ(world.names_created.size(), 1u);
  EXPECT_EQ(world.puts.at(world.active()), 1);
  for (const ClusterPod& pod : world.cluster(world.active()).pods) EXPECT_TRUE(pod.serves);
}

TEST(Change, that_adds_a_group_goes_to_the_running_cluster_and_one_that_takes_it_away_does_not) {
  ServiceWorld world({});
  start(world);
  world.file = declare({.second_group = true});
  EXPECT_EQ(settle(world).phase, Phase::Ready);
  EXPECT_EQ(world.names_created.size(), 1u);
  EXPECT_EQ(world.state().clusters.at(0).group_hashes.size(), 2u);
  world.file = declare({});
  settle(world);
  EXPECT_EQ(world.names_created.size(), 2u);
}

TEST(Change, of_a_workers_template_makes_another_cluster) {
  ServiceWorld world({});
  start(world);
  upgrade(world, {.worker = "2"});
  EXPECT_EQ(world.names_created.size(), 2u);
}

TEST(Change, is_saved_before_the_cluster_gets_it) {
  ServiceWorld world({});
  start(world);
  world.file = declare({.replicas = 2});
  const Plan plan = world.plan();
  EXPECT_EQ(plan.reason, "DocumentChanged");
  ASSERT_EQ(plan.actions.size(), 1u);
  EXPECT_EQ(plan.actions[0].target.name, "rayservice.shop");
  EXPECT_TRUE(plan.ray_requests.empty());
}

TEST(Change, together_with_the_name_of_another_cluster_takes_one_save) {
  ServiceWorld world({});
  start(world);
  world.file = declare({.head = "2"});
  world.step();
  EXPECT_EQ(world.anchor->spec_hash, world.file->spec_hash);
  EXPECT_EQ(world.state().made, 2);
  EXPECT_EQ(world.staying(), 1u);
}

TEST(DeletedByHand, the_wanted_cluster_is_made_again_under_its_name) {
  ServiceWorld world({});
  start(world);
  const std::string name = world.active();
  world.delete_child(name);
  EXPECT_EQ(settle(world).phase, Phase::Ready);
  EXPECT_EQ(world.active(), name);
  EXPECT_EQ(world.puts.at(name), 2) << "another head gets the configuration";
}

TEST(DeletedByHand, the_wanted_cluster_waits_until_its_name_is_free) {
  ServiceWorld world({});
  start(world);
  world.children.at(0).meta.terminating = true;
  world.file = declare({.replicas = 3});
  world.step();
  const Plan plan = world.plan();
  EXPECT_TRUE(plan.actions.empty()) << render(plan);
  EXPECT_TRUE(plan.retirements.empty());
}

TEST(DeletedByHand, an_active_cluster_that_is_not_wanted_is_forgotten) {
  ServiceWorld world({});
  start(world);
  const std::string first = world.active();
  world.file = declare({.head = "2"});
  step_until(world, "UpgradeInProgress");
  world.delete_child(first);
  world.step();
  EXPECT_EQ(world.active(), "");
  EXPECT_EQ(world.services.size(), 1u) << "its address stays";
  EXPECT_EQ(settle(world).phase, Phase::Ready);
  EXPECT_EQ(world.clusters.size(), 1u);
  EXPECT_FALSE(world.clusters.contains(first));
}

TEST(DeletedByHand, one_that_was_to_leave_is_forgotten) {
  ServiceWorld world({});
  start(world);
  const std::string first = world.active();
  upgrade(world, {.head = "2"});
  world.delete_child(first);
  settle(world);
  EXPECT_EQ(world.state().clusters.size(), 1u);
}

TEST(DeletedByHand, the_anchor_is_made_again_and_clusters_of_the_old_one_keep_their_names) {
  ServiceWorld world({});
  start(world);
  const std::string first = world.active();
  world.anchor.reset();
  world.children.clear();
  world.clusters.clear();
  world.services.clear();
  EXPECT_EQ(start(world).phase, Phase::Ready);
  EXPECT_NE(world.active(), first);
}

TEST(Anchor, that_is_being_deleted_or_cannot_be_read_stops_everything) {
  ServiceWorld world({});
  start(world);
  world.file = declare({.head = "2"});
  world.anchor->meta.terminating = true;
  Plan plan = world.plan();
  EXPECT_EQ(plan.reason, "AnchorLeaving");
  EXPECT_TRUE(plan.clusters_undecided && plan.actions.empty() && plan.ray_requests.empty());
  world.anchor->meta.terminating = false;
  world.anchor->state = "not readable";
  plan = world.plan();
  EXPECT_EQ(plan.phase, Phase::Blocked);
  EXPECT_EQ(plan.reason, "StateUnreadable");
  EXPECT_TRUE(plan.clusters_undecided && plan.actions.empty() && plan.ray_requests.empty());
}

}  // namespace
}  // namespace ray_gitops::test
