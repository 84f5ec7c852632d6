#include "agent/local_cluster/kubelet/restart.h"

#include <gtest/gtest.h>

namespace ray_gitops::local_cluster {
namespace {

TEST(Restart, follows_the_policy) {
  EXPECT_TRUE(restarts(RestartPolicy::Always, 0));
  EXPECT_TRUE(restarts(RestartPolicy::OnFailure, 1));
  EXPECT_FALSE(restarts(RestartPolicy::OnFailure, 0));
  EXPECT_FALSE(restarts(RestartPolicy::Never, 1));
  EXPECT_TRUE(restarts_init(RestartPolicy::Always, 1));
  EXPECT_FALSE(restarts_init(RestartPolicy::Always, 0));
  EXPECT_FALSE(restarts_init(RestartPolicy::Never, 1));
}

TEST(Restart, waits_twice_as_long_each_time_and_at_most_five_minutes) {
  RestartBackoff backoff;
  for (const int seconds : {0, 10, 20, 40, 80, 160, 300, 300}) {
    EXPECT_EQ(backoff.next_delay(Duration{1}), std::chrono::seconds(seconds));
  }
}

TEST(Restart, does_not_wait_after_a_run_of_ten_minutes) {
  RestartBackoff backoff;
  for (int i = 0; i < 5; ++i) static_cast<void>(backoff.next_delay(Duration{1}));
  EXPECT_EQ(backoff.next_delay(std::chrono::minutes(10)), Duration{0});
  EXPECT_EQ(backoff.next_delay(Duration{1}), std::chrono::seconds(10));
}

}  // namespace
}  // namespace ray_gitops::local_cluster
