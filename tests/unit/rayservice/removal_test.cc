// The file is gone: the serve Service goes first, then the clusters, then the anchor.

#include <gtest/gtest.h>

#include "tests/unit/rayservice/service_world.h"

namespace ray_gitops::test {
namespace {

void expect_gone(const ServiceWorld& world, const Plan& plan) {
  EXPECT_EQ(plan.phase, Phase::Removing);
  EXPECT_TRUE(plan.actions.empty() && plan.retirements.empty() && plan.ray_requests.empty());
  EXPECT_FALSE(world.anchor);
  EXPECT_TRUE(world.children.empty());
  EXPECT_TRUE(world.services.empty());
}

TEST(Removal, goes_from_the_service_over_the_clusters_to_the_anchor) {
  ServiceWorld world({});
  start(world);
  world.file.reset();
  Plan plan = world.step();
  ASSERT_EQ(plan.actions.size(), 1u);
  EXPECT_EQ(plan.actions[0].target.type, ResourceType::Service);
  EXPECT_EQ(plan.actions[0].verb, Verb::Delete);
  EXPECT_FALSE(plan.actions[0].preconditions.uid.empty());
  EXPECT_TRUE(plan.retirements.empty());
  plan = world.step();
  EXPECT_TRUE(plan.actions.empty());
  EXPECT_EQ(plan.retirements.size(), 1u);
  expect_gone(world, settle(world));
}

TEST(Removal, deletes_no_service_twice_and_does_not_wait_for_it) {
  ServiceWorld world({});
  start(world);
  world.services[0].view.meta.terminating = true;
  world.file.reset();
  const Plan plan = world.plan();
  EXPECT_TRUE(plan.actions.empty());
  EXPECT_EQ(plan.retirements.size(), 1u);
}

TEST(Removal, during_an_upgrade_takes_all_clusters_away) {
  ServiceWorld world({});
  start(world);
  world.file = declare({.head = "2"});
  step_until(world, "UpgradeInProgress");
  world.step();
  world.file.reset();
  expect_gone(world, settle(world));
}

TEST(Removal, brings_no_cluster_back_that_was_leaving) {
  ServiceWorld world({});
  start(world);
  const std::string first = world.active();
  world.file = declare({.head = "2", .fields = "  rayClusterDeletionDelaySeconds: 0\n"});
  while (!world.cluster(first).leaving) world.step();
  world.file.reset();
  world.step();
  expect_gone(world, settle(world));
}

TEST(Removal, of_an_anchor_that_cannot_be_read_takes_everything_away) {
  for (std::string ConfigMapView::* part : {&ConfigMapView::state, &ConfigMapView::document}) {
    ServiceWorld world({});
    start(world);
    (*world.anchor).*part = "not readable";
    world.file.reset();
    expect_gone(world, settle(world));
  }
}

TEST(Removal, takes_a_cluster_away_whose_anchor_was_given_another_name) {
  ServiceWorld world({});
  start(world);
  world.children[0].anchor_name = "another";
  world.file.reset();
  expect_gone(world, settle(world));
}

TEST(Removal, waits_for_an_anchor_that_is_being_deleted) {
  ServiceWorld world({});
  start(world);
  world.file.reset();
  world.anchor->meta.terminating = true;
  const Plan plan = world.plan();
  EXPECT_TRUE(plan.actions.empty() && plan.retirements.empty() && plan.clusters_undecided);
}

}  // namespace
}  // namespace ray_gitops::test
