#include "agent/engine/publisher.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/engine/support.h"

namespace ray_gitops::engine {
namespace {

using test::at;

status::ObjectStatus ready(const std::string& message) {
  status::ObjectStatus status;
  status.key = {Kind::RayCluster, "default", "demo"};
  status.phase = Phase::Ready;
  status.reason = "AllPodsReady";
  status.message = message;
  return status;
}

class PublisherTest : public testing::Test {
 protected:
  PublisherTest() {
    facts_.agent_id = "blue";
    facts_.objects = {ready("first")};
  }

  EngineOptions options_ = test::options();
  Publisher publisher_{options_};
  RemoteTips remote_;
  status::StatusFacts facts_;

  // What is published at that moment, if anything is.
  std::optional<PublishStatus> pump(double seconds) {
    Effects effects;
    if (publisher_.wants_tree(at(seconds), remote_, effects))
      publisher_.publish(at(seconds), facts_, 1, effects);
    loads_ += test::all_of<LoadStatus>(effects).size();
    const auto published = test::all_of<PublishStatus>(effects);
    return published.empty() ? std::nullopt : std::optional(published[0]);
  }
  void load(double seconds) {
    Effects effects;
    pump(seconds);
    publisher_.on(StatusLoaded{StatusTree{}}, at(seconds), effects);
  }
  void answer(Result<std::string> tip, double seconds) {
    Effects effects;
    publisher_.on(StatusPublished{std::move(tip)}, at(seconds), effects);
    logs_ += test::all_of<WriteLog>(effects).size();
  }
  void publish_first() {
    load(0);
    ASSERT_TRUE(pump(6));
    answer(std::string(40, '1'), 6);
  }
  std::size_t loads_ = 0;
  std::size_t logs_ = 0;
};

TEST_F(PublisherTest, reads_the_branch_before_it_writes_it) {
  publisher_.changed(at(0), true);
  EXPECT_FALSE(pump(100));
  EXPECT_EQ(loads_, 1U);
}

TEST_F(PublisherTest, waits_for_quiet_but_not_for_ever) {
  publish_first();
  facts_.objects = {ready("second")};
  publisher_.changed(at(20), false);
  EXPECT_FALSE(pump(24.9));
  for (double seconds = 22; seconds < 35; seconds += 2) publisher_.changed(at(seconds), false);
  EXPECT_FALSE(pump(34.9));
  EXPECT_TRUE(pump(35));
}

TEST_F(PublisherTest, a_first_failure_goes_out_within_a_second) {
  publish_first();
  facts_.objects = {ready("second")};
  publisher_.changed(at(20), true);
  EXPECT_FALSE(pump(20.9));
  EXPECT_TRUE(pump(21));
}

TEST_F(PublisherTest, the_same_tree_is_no_commit) {
  publish_first();
  publisher_.changed(at(20), false);
  EXPECT_FALSE(pump(60));
  EXPECT_EQ(publisher_.deadline(), std::nullopt);
}

TEST_F(PublisherTest, a_branch_that_moved_is_read_again_after_the_next_poll) {
  publish_first();
  facts_.objects = {ready("second")};
  publisher_.changed(at(20), false);
  ASSERT_TRUE(pump(30));
  answer(fail(ErrorCode::Conflict, "the branch has moved"), 30);
  EXPECT_TRUE(publisher_.wants_poll());
  EXPECT_FALSE(publisher_.wants_poll());
  EXPECT_FALSE(pump(40));
  remote_.status = std::string(40, '7');
  publisher_.listed(remote_);
  pump(40);
  EXPECT_EQ(loads_, 2U);
}

TEST_F(PublisherTest, a_refusal_is_said_once_and_tried_rarely) {
  load(0);
  ASSERT_TRUE(pump(6));
  answer(fail(ErrorCode::Rejected, "protected branch"), 6);
  EXPECT_EQ(logs_, 1U);
  EXPECT_FALSE(pump(300));
  ASSERT_TRUE(pump(307));
  answer(fail(ErrorCode::Rejected, "protected branch"), 307);
  EXPECT_EQ(logs_, 1U);
}

TEST_F(PublisherTest, commits_beyond_the_rate_wait_and_share_one) {
  options_.status.burst = 2;
  options_.status.commits_per_hour = 60;
  publish_first();
  facts_.objects = {ready("second")};
  publisher_.changed(at(10), true);
  ASSERT_TRUE(pump(12));
  answer(std::string(40, '2'), 12);
  facts_.objects = {ready("third")};
  publisher_.changed(at(13), true);
  EXPECT_FALSE(pump(15));
  EXPECT_TRUE(pump(80));
}

TEST_F(PublisherTest, an_object_that_left_ready_lately_is_ready_again_only_after_ten_seconds) {
  status::ObjectStatus now = ready("up");
  publisher_.stamp(now, at(0));
  EXPECT_EQ(now.phase, Phase::Ready);
  status::ObjectStatus down = ready("down");
  down.phase = Phase::Degraded;
  down.reason = "PodsNotReady";
  publisher_.stamp(down, at(5));
  now = ready("up");
  publisher_.stamp(now, at(6));
  EXPECT_EQ(now.phase, Phase::Progressing);
  now = ready("up");
  publisher_.stamp(now, at(17));
  EXPECT_EQ(now.phase, Phase::Ready);
}

TEST_F(PublisherTest, since_is_what_the_branch_says_when_phase_and_reason_are_the_same) {
  status::StatusFacts earlier = facts_;
  earlier.objects[0].since = {1'767'323'045'000};
  Effects effects;
  pump(0);
  publisher_.on(StatusLoaded{StatusTree{std::string(40, '1'), status::render_tree(earlier), 3}},
                at(0), effects);
  status::ObjectStatus now = ready("first");
  now.since = at(0).wall;
  publisher_.stamp(now, at(0));
  EXPECT_EQ(now.since.milliseconds, 1'767'323'045'000);
}

}  // namespace
}  // namespace ray_gitops::engine
