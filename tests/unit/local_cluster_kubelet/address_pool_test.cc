#include "agent/local_cluster/kubelet/address_pool.h"

#include <gtest/gtest.h>

namespace ray_gitops::local_cluster {
namespace {

TEST(AddressPool, gives_the_lowest_free_address_after_the_gateway) {
  auto pool = AddressPool::parse("10.88.0.0/24").value();
  EXPECT_EQ(pool.gateway(), "10.88.0.1");
  EXPECT_EQ(pool.take("a").value(), "10.88.0.2");
  EXPECT_EQ(pool.take("b").value(), "10.88.0.3");
  EXPECT_EQ(pool.take("a").value(), "10.88.0.2");
  pool.release("a");
  EXPECT_EQ(pool.take("c").value(), "10.88.0.2");
}

TEST(AddressPool, says_when_every_address_is_taken_and_never_gives_the_broadcast_address) {
  auto pool = AddressPool::parse("10.88.0.8/29").value();
  for (const char* expected :
       {"10.88.0.10", "10.88.0.11", "10.88.0.12", "10.88.0.13", "10.88.0.14"}) {
    EXPECT_EQ(pool.take(expected).value(), expected);
  }
  EXPECT_EQ(pool.take("one too many").error().code, ErrorCode::LimitExceeded);
}

TEST(AddressPool, keeps_the_address_that_a_pod_already_has) {
  auto pool = AddressPool::parse("10.88.0.0/24").value();
  EXPECT_TRUE(pool.take_exactly("a", "10.88.0.2"));
  EXPECT_TRUE(pool.take_exactly("a", "10.88.0.2"));
  EXPECT_EQ(pool.take("b").value(), "10.88.0.3");
  EXPECT_EQ(pool.take_exactly("c", "10.88.0.3").error().code, ErrorCode::Conflict);
  for (const char* outside : {"10.88.1.2", "10.88.0.1", "10.88.0.255", "nonsense", ""}) {
    EXPECT_FALSE(pool.take_exactly("d", outside)) << outside;
  }
}

TEST(AddressPool, knows_which_addresses_pods_can_have) {
  const auto pool = AddressPool::parse("10.88.0.0/24").value();
  for (const char* address : {"10.88.0.2", "10.88.0.254"})
    EXPECT_TRUE(pool.is_pod_address(address)) << address;
  for (const char* address : {"10.88.0.0", "10.88.0.1", "10.88.0.255", "10.88.1.2", "x", ""})
    EXPECT_FALSE(pool.is_pod_address(address)) << address;
}

TEST(AddressPool, refuses_what_is_no_subnet) {
  for (const char* text :
       {"", "10.88.0.0", "10.88.0.0/8", "10.88.0.0/30", "10.88.0.1/24", "10.88.0.0/24x", "::/24",
        "10.88.0/24", "10.96.0.0/16", "10.96.7.0/24"}) {
    EXPECT_FALSE(AddressPool::parse(text)) << text;
  }
}

}  // namespace
}  // namespace ray_gitops::local_cluster
