// The serve Service: which cluster it leads to, and that it is as the file says.

#include <gtest/gtest.h>

#include "tests/unit/rayservice/service_world.h"

namespace ray_gitops::test {
namespace {

ResourceKey serve_service() { return {ResourceType::Service, "default", "shop-serve-svc"}; }

TEST(ServeService, is_made_when_a_cluster_serves_and_leads_to_it) {
  ServiceWorld world({});
  world.step();
  while (world.active().empty()) {
    EXPECT_TRUE(world.services.empty());
    world.step();
  }
  settle(world);
  ASSERT_EQ(world.services.size(), 1u);
  EXPECT_EQ(world.services[0].view.meta.key, serve_service());
  EXPECT_EQ(world.services[0].leads_to, world.active());
}

TEST(ServeService, is_made_again_when_it_is_deleted) {
  ServiceWorld world({});
  start(world);
  world.services.clear();
  const Plan plan = world.plan();
  EXPECT_EQ(plan.phase, Phase::Applying);
  EXPECT_EQ(plan.reason, "ServiceNotReady");
  EXPECT_FALSE(plan.conditions.at(0).status);
  EXPECT_EQ(settle(world).phase, Phase::Ready);
  EXPECT_EQ(world.services.size(), 1u);
}

TEST(ServeService, is_repaired_when_somebody_changed_it) {
  for (std::string ServiceView::* part : {&ServiceView::shape_digest}) {
    ServiceWorld world({});
    start(world);
    const std::string before = world.services[0].view.*part;
    world.services[0].view.*part = "other";
    settle(world);
    EXPECT_EQ(world.services[0].view.*part, before);
  }
  ServiceWorld world({});
  start(world);
  world.services[0].view.meta.desired_hash = "other";
  const Plan plan = world.plan();
  ASSERT_EQ(plan.actions.size(), 1u);
  EXPECT_EQ(plan.actions[0].verb, Verb::Replace);
  EXPECT_EQ(plan.actions[0].preconditions.resource_version,
            world.services[0].view.meta.resource_version);
}

TEST(ServeService, waits_while_its_name_is_leaving) {
  ServiceWorld world({});
  start(world);
  world.services[0].view.meta.terminating = true;
  EXPECT_TRUE(world.plan().actions.empty());
}

TEST(ServeService, that_is_renamed_is_made_before_the_old_one_goes) {
  ServiceWorld world({});
  start(world);
  world.file =
      declare({.fields = "  serveService: {metadata: {name: door}, spec: {type: NodePort}}\n"});
  bool together = false;
  for (int step = 0; step < 10; ++step) {
    world.step();
    EXPECT_FALSE(world.services.empty());
    together = together || world.services.size() == 2;
  }
  EXPECT_TRUE(together);
  ASSERT_EQ(world.services.size(), 1u);
  EXPECT_EQ(world.services[0].view.meta.key.name, "door");
}

TEST(ServeService, that_gets_another_kind_of_address_is_made_anew) {
  ServiceWorld world({});
  start(world);
  const std::string uid = world.services[0].view.meta.uid;
  world.file = declare({.fields = "  serveService: {spec: {clusterIP: None}}\n"});
  settle(world);
  ASSERT_EQ(world.services.size(), 1u);
  EXPECT_NE(world.services[0].view.meta.uid, uid);
  EXPECT_TRUE(world.services[0].view.headless);
}

TEST(ServeService, whose_name_is_taken_blocks) {
  ServiceWorld world({});
  world.refusals[serve_service()] = {{ErrorCode::AlreadyExists, "exists", ""}, 1, {}};
  const Plan plan = step_until(world, "NameTaken");
  EXPECT_EQ(plan.phase, Phase::Blocked);
  EXPECT_NE(plan.message.find("Service/default/shop-serve-svc exists and is not ours"),
            std::string::npos);
}

TEST(ServeService, keeps_the_ports_of_the_cluster_that_it_leads_to_during_an_upgrade) {
  ServiceWorld world({});
  start(world);
  EXPECT_EQ(world.services[0].port, "8001");
  const std::string first = world.active();
  world.file = declare({.head = "2"});
  while (world.active() == first) {
    EXPECT_EQ(world.services[0].port, "8001");
    world.step();
  }
  EXPECT_EQ(world.services[0].leads_to, first) << "the anchor comes first";
  settle(world);
  EXPECT_EQ(world.services[0].leads_to, world.active());
  EXPECT_EQ(world.services[0].port, "8002");
}

}  // namespace
}  // namespace ray_gitops::test
