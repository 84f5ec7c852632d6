// For how long a group stays closed after its pods could not be had.

#include "reconcilers/autoscaler/trouble_memory.h"

#include <chrono>
#include <map>
#include <string>

#include <gtest/gtest.h>

namespace ray_gitops::test {
namespace {

using namespace std::chrono_literals;
using autoscaler::TroubleMemory;
using Troubles = std::map<std::string, std::string>;

constexpr Instant k_begin{1'000'000};
const Troubles k_none;
const Troubles k_refused{{"small", "is refused pods: quota"}};

TEST(TroubleMemory, keeps_a_group_closed_for_ten_seconds_after_its_first_trouble) {
  TroubleMemory memory;
  EXPECT_EQ(memory.remember(k_none, k_begin), k_none);
  EXPECT_EQ(memory.remember(k_refused, k_begin), k_refused);
  EXPECT_EQ(memory.remember(k_refused, k_begin + 1min), k_refused);
  EXPECT_EQ(memory.remember(k_none, k_begin + 2min), k_refused);
  EXPECT_EQ(memory.remember(k_none, k_begin + 2min + 9s), k_refused);
  EXPECT_EQ(memory.remember(k_none, k_begin + 2min + 10s), k_none);
}

TEST(TroubleMemory, doubles_the_pause_up_to_five_minutes) {
  TroubleMemory memory;
  Instant now = k_begin;
  for (const Duration pause : {10s, 20s, 40s, 80s, 160s, 300s, 300s}) {
    memory.remember(k_refused, now);
    memory.remember(k_none, now + 1s);
    EXPECT_EQ(memory.remember(k_none, now + pause), k_refused) << pause.count();
    EXPECT_EQ(memory.remember(k_none, now + pause + 1s), k_none) << pause.count();
    now = now + pause + 2s;
  }
}

TEST(TroubleMemory, begins_anew_after_ten_minutes_without_trouble) {
  TroubleMemory memory;
  for (const Instant now : {k_begin, k_begin + 1min}) {
    memory.remember(k_refused, now);
    memory.remember(k_none, now + 1s);
  }
  const Instant later = k_begin + 12min;
  EXPECT_EQ(memory.remember(k_none, later), k_none);
  memory.remember(k_refused, later);
  memory.remember(k_none, later + 1s);
  EXPECT_EQ(memory.remember(k_none, later + 11s), k_none);
}

TEST(TroubleMemory, knows_each_group_by_itself) {
  TroubleMemory memory;
  memory.remember(k_refused, k_begin);
  const Troubles other{{"large", "has pods that fail again and again"}};
  Troubles both = other;
  both.insert(k_refused.begin(), k_refused.end());
  EXPECT_EQ(memory.remember(other, k_begin + 1s), both);
  EXPECT_EQ(memory.remember(other, k_begin + 12s), other);
}

}  // namespace
}  // namespace ray_gitops::test
