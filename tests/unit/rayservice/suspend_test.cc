// Suspending takes the serve Service and the clusters away; resuming makes a new one.

#include <gtest/gtest.h>

#include "tests/unit/rayservice/service_world.h"

namespace ray_gitops::test {
namespace {

const ServiceFile k_suspended{.fields = "  suspend: true\n"};

TEST(Suspend, takes_everything_away_and_resuming_makes_a_new_cluster) {
  ServiceWorld world({});
  start(world);
  const std::string first = world.active();
  world.file = declare(k_suspended);
  const Plan plan = settle(world);
  EXPECT_EQ(plan.phase, Phase::Suspended);
  EXPECT_TRUE(world.clusters.empty());
  EXPECT_TRUE(world.services.empty());
  EXPECT_TRUE(plan.ray_requests.empty());
  world.file = declare({});
  EXPECT_EQ(start(world).phase, Phase::Ready);
  EXPECT_NE(world.active(), first);
}

TEST(Suspend, is_saved_before_anything_leaves) {
  ServiceWorld world({});
  start(world);
  world.file = declare(k_suspended);
  const Plan plan = world.step();
  EXPECT_EQ(plan.actions.size(), 1u);
  EXPECT_TRUE(plan.retirements.empty());
  EXPECT_TRUE(world.state().clusters.empty());
  EXPECT_EQ(world.state().active, "");
  EXPECT_EQ(world.clusters.size(), 1u);
}

TEST(Suspend, from_the_beginning_makes_nothing) {
  ServiceWorld world(k_suspended);
  EXPECT_EQ(settle(world).phase, Phase::Suspended);
  EXPECT_TRUE(world.names_created.empty());
  world.file = declare({});
  EXPECT_EQ(start(world).phase, Phase::Ready);
}

TEST(Suspend, during_an_upgrade_takes_both_clusters_away) {
  ServiceWorld world({});
  start(world);
  world.file = declare({.head = "2"});
  step_until(world, "UpgradeInProgress");
  world.step();
  EXPECT_EQ(world.clusters.size(), 2u);
  world.file = declare({.head = "2", .fields = "  suspend: true\n"});
  EXPECT_EQ(settle(world).phase, Phase::Suspended);
  EXPECT_TRUE(world.clusters.empty());
}

TEST(Suspend, that_is_taken_back_on_the_way_is_completed_first) {
  ServiceWorld world({});
  start(world);
  world.file = declare(k_suspended);
  world.clusters_go = false;
  world.step();
  world.step();
  EXPECT_TRUE(world.clusters.begin()->second.leaving);
  world.file = declare({});
  EXPECT_EQ(step_until(world, "Resuming").phase, Phase::Progressing);
  EXPECT_EQ(world.names_created.size(), 1u);
  world.clusters_go = true;
  EXPECT_EQ(start(world).phase, Phase::Ready);
  EXPECT_EQ(world.clusters.size(), 1u);
  EXPECT_EQ(world.names_created.size(), 2u);
}

}  // namespace
}  // namespace ray_gitops::test
