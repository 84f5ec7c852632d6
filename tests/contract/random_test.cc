// Random request sequences on the local cluster's server and on a real one: the answers and what
// watches tell have to be the same. A difference is shrunk to the fewest steps that show it.
// RC_PARAMS="seed=1 max_success=500" says where to begin and how many sequences to try.
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

#include "tests/contract/player.h"

namespace ray_gitops::contract {
namespace {

using nlohmann::json;

constexpr double k_steps_max = 16;

class Random : public testing::Test {
 protected:
  void SetUp() override {
    if (real_.is_local()) GTEST_SKIP() << "needs a real server to compare with";
  }

  // Empty, or where the answers differ.
  std::string compare(const std::vector<Step>& steps) {
    const std::string ns = "random-" + std::to_string(getpid()) + "-" + std::to_string(++count_);
    Player local(local_.target(), ns);
    Player real(real_.target(), ns);
    if (!local.make_namespace() || !real.make_namespace()) return "no namespace";
    std::string found = compare_steps(steps, local, real);
    if (found.empty()) found = compare_events(steps, local, real);
    local.remove_namespace();
    real.remove_namespace();
    return found;
  }

 private:
  static std::string describe(const json& real, const json& local) {
    return "real and local differ: " + json::diff(real, local).dump() + "\nreal:  " + real.dump() +
           "\nlocal: " + local.dump();
  }

  static std::string compare_steps(const std::vector<Step>& steps, Player& local, Player& real) {
    std::size_t number = 0;
    for (const Step& step : steps) {
      ++number;
      const json there = real.play(step);
      const json here = local.play(step);
      if (there != here) return "step " + std::to_string(number) + ": " + describe(there, here);
    }
    return {};
  }

  // Of the type of the first step.
  static std::string compare_events(const std::vector<Step>& steps, Player& local, Player& real) {
    if (steps.empty()) return {};
    const std::string& path = steps.front().path;
    const std::string plural = path.substr(0, path.find_first_of("/?"));
    const json there = real.events(plural);
    const json here = local.events(plural);
    return there == here ? "" : "events of " + plural + ": " + describe(there, here);
  }

  ServerUnderTest local_{ServerUnderTest::Which::Local};
  ServerUnderTest real_;
  int count_ = 0;
};

TEST_F(Random, sequences_are_answered_alike) {
  const auto sequences = rc::gen::scale(k_steps_max / 100, any_sequence());
  EXPECT_TRUE(rc::check([this, &sequences] {
    const std::vector<Step> steps = *sequences;
    const std::string difference = compare(steps);
    if (!difference.empty()) RC_FAIL(difference);
  }));
}

}  // namespace
}  // namespace ray_gitops::contract
