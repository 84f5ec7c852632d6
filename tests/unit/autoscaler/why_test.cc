// Decisions in words.

#include "reconcilers/autoscaler/why.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/autoscaler/cluster_facts.h"

namespace ray_gitops::test {
namespace {

using namespace std::chrono_literals;
using autoscaler::decide_round;
using autoscaler::render_why;
using autoscaler::RoundInput;

class WhyTest : public testing::Test {
 protected:
  WhyTest() {
    GroupSpec group;
    group.name = "small";
    group.ray_start_params = {{"num-cpus", "1"}};
    group.max_replicas = 3;
    spec.workers = {group};
    spec.workers.push_back(group);
    spec.workers[1].name = "large";
    for (const auto& [name, idle] : std::map<std::string, Duration>{{"a2", 70s}, {"a1", 0s}}) {
      input.pods.insert(input.pods.begin(), pod_of(name));
      state.nodes.push_back(node_of(input.pods.front(), idle));
    }
    state.session = "session_1";
    state.version = 7;
    state.pending[{cpus(4), {}, {}}] = 2;
    input.spec = &spec;
    input.saved.targets = {{"small", {2, false}}, {"large", {0, false}}};
    input.state = Known<RayResourceState>{state};
    input.plans = true;
    input.now = {WallTime{1'000'000'000}, Instant{500'000}};
    input.state_seen_at = input.now.monotonic;
    input.guard.agent_started_at = Instant{0};
    input.guard.session_seen_at = Instant{0};
  }
  std::string why(const std::string& pod = "") const {
    return render_why(input, decide_round(input), pod);
  }

  RayClusterSpec spec;
  RayResourceState state;
  RoundInput input;
};

TEST_F(WhyTest, tells_of_groups_pods_and_of_what_has_no_place) {
  EXPECT_EQ(why(),
            "group small: wants 1, has 2: 1 may leave\n"
            "  a1 stays: it is in use\n"
            "  a2 is to leave: idle for 70 s, longer than 60 s\n"
            "group large: wants 0, has 0: demand and limits ask for no change\n"
            "{'CPU': 4.0} can never be placed: small has 1.0 CPU a pod, 4.0 are asked for; large "
            "has 1.0 CPU a pod, 4.0 are asked for\n");
}

TEST_F(WhyTest, tells_of_one_pod) {
  EXPECT_EQ(why("a1"),
            "group small: wants 1, has 2: 1 may leave\n"
            "  a1 stays: it is in use\n");
  EXPECT_EQ(why("a9"), "");
}

TEST_F(WhyTest, tells_how_far_a_removal_has_come) {
  input.saved = decide_round(input).next;
  EXPECT_NE(why().find("  a2 leaves, and waits: "), std::string::npos);
  state.nodes[0].status = state.nodes[1].status = RayNodeStatus::Dead;
  ++state.version;
  input.state = Known<RayResourceState>{state};
  EXPECT_NE(why().find("  a2 is deleted: "), std::string::npos);
}

TEST_F(WhyTest, tells_why_nothing_is_planned) {
  input.state = Unknown{"its head does not answer"};
  EXPECT_EQ(why(),
            "group small: wants 2, has 2\n  a1 stays\n  a2 stays\n"
            "group large: wants 0, has 0\nnot planned: its head does not answer\n");
}

}  // namespace
}  // namespace ray_gitops::test
