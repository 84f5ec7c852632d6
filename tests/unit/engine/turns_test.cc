#include "agent/engine/turns.h"

#include <gtest/gtest.h>

#include "agent/engine/slow_start.h"
#include "agent/engine/targets.h"

namespace ray_gitops::engine::test {
namespace {

ObjectKey cluster(const std::string& name) { return {Kind::RayCluster, "default", name}; }

TEST(Turns, come_in_the_order_of_joining_and_once_for_each) {
  Turns turns;
  turns.join(cluster("b"));
  turns.join(cluster("a"));
  turns.join(cluster("b"));
  turns.join(cluster("c"));
  turns.leave(cluster("a"));
  EXPECT_EQ(turns.size(), 2U);
  EXPECT_EQ(turns.next(), cluster("b"));
  turns.join(cluster("b"));
  EXPECT_EQ(turns.next(), cluster("c"));
  EXPECT_EQ(turns.next(), cluster("b"));
  EXPECT_EQ(turns.next(), std::nullopt);
}

TEST(Turns, share_the_room_and_give_everyone_something) {
  EXPECT_EQ(Turns::share(0, 3), 0U);
  EXPECT_EQ(Turns::share(90, 3), 30U);
  EXPECT_EQ(Turns::share(90, 1), 90U);
  EXPECT_EQ(Turns::share(2, 50), 1U);
}

TEST(SlowStart, doubles_with_each_round_that_succeeds) {
  SlowStart slow_start;
  for (const std::size_t wanted : {1U, 2U, 4U, 8U}) {
    EXPECT_EQ(slow_start.room(), wanted);
    for (std::size_t i = 0; i < wanted; ++i) slow_start.sent();
    EXPECT_EQ(slow_start.room(), 0U);
    for (std::size_t i = 0; i < wanted; ++i) slow_start.succeeded();
  }
}

TEST(SlowStart, begins_again_after_a_refusal_and_waits_for_what_is_under_way) {
  SlowStart slow_start;
  slow_start.sent();
  slow_start.succeeded();
  slow_start.sent();
  slow_start.sent();
  slow_start.refused();
  EXPECT_EQ(slow_start.room(), 0U);
  EXPECT_FALSE(slow_start.is_idle());
  slow_start.passed();
  EXPECT_EQ(slow_start.room(), 1U);
  EXPECT_TRUE(slow_start.is_idle());
}

TEST(Targets, belong_to_the_last_who_wrote_them) {
  const ResourceKey pod{ResourceType::Pod, "default", "a-head"};
  Targets targets;
  targets.assign(pod, cluster("a"));
  targets.assign(pod, cluster("b"));
  EXPECT_EQ(targets.owner_of(pod), cluster("b"));
  EXPECT_TRUE(targets.of(cluster("a")).empty());
  EXPECT_EQ(targets.of(cluster("b")).size(), 1U);
  targets.erase(pod);
  EXPECT_EQ(targets.owner_of(pod), std::nullopt);
  EXPECT_TRUE(targets.of(cluster("b")).empty());
}

}  // namespace
}  // namespace ray_gitops::engine::test
