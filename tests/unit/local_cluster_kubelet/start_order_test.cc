#include "agent/local_cluster/kubelet/start_order.h"

#include <gtest/gtest.h>

namespace ray_gitops::local_cluster {
namespace {

TEST(StartOrder, puts_heads_before_workers_and_older_before_newer) {
  const std::vector<WaitingPod> waiting = {{"worker", true, false, "2026-01-01T00:00:00Z"},
                                           {"head-2", true, true, "2026-01-03T00:00:00Z"},
                                           {"head-1", true, true, "2026-01-02T00:00:00Z"}};
  EXPECT_EQ(choose_starts(waiting, 3), (std::vector<std::string>{"head-1", "head-2", "worker"}));
  EXPECT_EQ(choose_starts(waiting, 1), (std::vector<std::string>{"head-1"}));
}

TEST(StartOrder, does_not_hold_back_what_is_no_ray_node) {
  const std::vector<WaitingPod> waiting = {{"head", true, true, "2026-01-01T00:00:00Z"},
                                           {"redis", false, false, "2026-01-02T00:00:00Z"}};
  EXPECT_EQ(choose_starts(waiting, 0), (std::vector<std::string>{"redis"}));
}

}  // namespace
}  // namespace ray_gitops::local_cluster
