// Agents that are stopped with writes and pushes about to leave, and another that takes over.
#include <string>

#include <gtest/gtest.h>

#include "tests/simulation/world.h"

namespace ray_gitops::simulation {
namespace {

using std::chrono::minutes;

constexpr std::uint64_t k_seeds = 5;

// What the checkers found of two agents that freeze. `sends_late`: without the fence.
std::string told(std::uint64_t seed, bool sends_late) {
  Faults faults;
  faults.second_agent = true;
  faults.freezes = 100;
  World world(seed, faults);
  world.hooks.sends_late = sends_late;
  world.user.begin();
  for (const auto& agent : world.agents) agent->start();
  world.user.keep_busy();
  world.run_for(minutes(3));
  world.calm_down();
  world.user.calm_down();
  if (!world.has_failed()) world.converge(minutes(30));
  std::string text;
  for (const Violation& violation : world.core.violations)
    text += violation.checker + ": " + violation.what + "\n";
  return text;
}

TEST(FrozenAgent, writes_nothing_after_another_took_over) {
  for (std::uint64_t seed = 1; seed <= k_seeds; ++seed)
    EXPECT_EQ(told(seed, false).find("lease: "), std::string::npos) << "seed " << seed;
}

TEST(FrozenAgent, would_be_caught_without_the_fence) {
  std::string text;
  for (std::uint64_t seed = 1; seed <= k_seeds && text.find("lease: ") == std::string::npos; ++seed)
    text = told(seed, true);
  EXPECT_NE(text.find("lease: "), std::string::npos) << text;
}

}  // namespace
}  // namespace ray_gitops::simulation
