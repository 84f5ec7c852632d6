#include "agent/engine/publisher.h"

#include "tests/unit/engine/support.h"

namespace ray_gitops::engine::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class PublisherTest : public testing::Test {
 protected:
  // What a Tick at this time makes of it.
  Effects tick(Duration when) {
    Effects effects;
    if (publisher.wants_tree(at(when), tips, effects)) {
      status::StatusFacts facts;
      facts.agent_id = "demo";
      facts.branch = "main";
      facts.observed_commit = commit;
      facts.objects = objects;
      for (status::ObjectStatus& object : facts.objects) publisher.stamp(object, at(when));
      publisher.publish(at(when), facts, {1, at(when + seconds(9)).monotonic}, effects);
    }
    return effects;
  }
  std::size_t pushes(Duration when) {
    const auto published = all<PublishStatus>(tick(when));
    if (!published.empty()) last = published.back();
    return published.size();
  }
  void load(const StatusTree& tree, Duration when) {
    Effects effects;
    ASSERT_EQ(all<LoadStatus>(tick(when)).size(), 1U);
    publisher.on(StatusLoaded{tree}, at(when), effects);
  }
  void answer(Result<std::string> tip, Duration when) {
    Effects effects;
    publisher.on(StatusPublished{std::move(tip)}, at(when), effects);
  }
  // The tip is known and what there is has been published.
  void begin() {
    load({}, seconds(0));
    ASSERT_EQ(pushes(seconds(5)), 1U);
    answer("s1", seconds(5));
    tips.status = "s1";
  }
  void change(const std::string& to, Duration when, bool urgent = false) {
    commit = to;
    publisher.changed(at(when), urgent);
  }
  void set_phase(Phase phase, Duration when) {
    status::ObjectStatus object;
    object.key = {Kind::RayCluster, "default", "demo"};
    object.phase = phase;
    object.reason = phase == Phase::Ready ? "AllPodsReady" : "PodsNotReady";
    object.since = at(when).wall;
    objects = {object};
    publisher.changed(at(when), phase != Phase::Ready);
  }
  std::string shown() const { return last.files.at("objects/default/raycluster/demo.json"); }

  EngineOptions its_options = options();
  Publisher publisher{its_options};
  RemoteTips tips;
  std::string commit = "c1";
  std::vector<status::ObjectStatus> objects;
  PublishStatus last;
};

TEST_F(PublisherTest, publishes_nothing_before_it_knows_what_was_published) {
  change("c2", seconds(0));
  EXPECT_EQ(all<LoadStatus>(tick(seconds(20))).size(), 1U);
  EXPECT_EQ(pushes(seconds(60)), 0U);
  Effects effects;
  publisher.on(StatusLoaded{failed(ErrorCode::Unavailable)}, at(seconds(60)), effects);
  EXPECT_EQ(pushes(seconds(60)), 0U);
}

TEST_F(PublisherTest, waits_for_five_seconds_of_quiet) {
  begin();
  change("c2", seconds(20));
  change("c3", seconds(23));
  EXPECT_EQ(pushes(milliseconds(27'900)), 0U);
  EXPECT_EQ(pushes(seconds(28)), 1U);
  EXPECT_EQ(last.expected_tip, "s1");
}

TEST_F(PublisherTest, waits_fifteen_seconds_at_most) {
  begin();
  for (int second = 20; second < 35; ++second) {
    change("c" + std::to_string(second), seconds(second));
    ASSERT_EQ(pushes(seconds(second)), 0U);
  }
  EXPECT_EQ(pushes(seconds(35)), 1U);
}

TEST_F(PublisherTest, tells_of_a_failure_within_a_second) {
  begin();
  change("c2", seconds(20), true);
  EXPECT_EQ(pushes(milliseconds(20'900)), 0U);
  EXPECT_EQ(pushes(seconds(21)), 1U);
}

TEST_F(PublisherTest, makes_no_commit_that_says_what_the_tip_says) {
  begin();
  change("c1", seconds(20));
  EXPECT_EQ(pushes(seconds(30)), 0U);
  EXPECT_EQ(publisher.deadline(), std::nullopt);
}

TEST_F(PublisherTest, keeps_to_its_rate_after_a_burst) {
  begin();
  Duration now = seconds(20);
  int published = 0;
  for (; now < minutes(60); now += seconds(1)) {
    change(std::to_string(now.count()), now);
    if (pushes(now) == 0) continue;
    ++published;
    answer("s" + std::to_string(published), now);
  }
  EXPECT_GE(published, 85);
  EXPECT_LE(published, 90) << "30 at once, then 60 an hour";
}

TEST_F(PublisherTest, reads_the_branch_again_after_a_conflict_and_asks_for_one_poll) {
  begin();
  change("c2", seconds(20));
  ASSERT_EQ(pushes(seconds(25)), 1U);
  answer(failed(ErrorCode::Conflict), seconds(25));
  EXPECT_TRUE(publisher.wants_poll());
  EXPECT_FALSE(publisher.wants_poll()) << "one poll, whatever comes of it";
  EXPECT_EQ(pushes(seconds(50)), 0U);
  tips.status = "s7";
  publisher.listed(tips);
  load({.tip = "s7", .files = {{"README.md", "another"}}, .lease_epoch = 3}, seconds(60));
  ASSERT_EQ(pushes(seconds(65)), 1U);
  EXPECT_EQ(last.expected_tip, "s7");
  EXPECT_NE(last.message.find("Lease-Epoch: 3"), std::string::npos);
}

TEST_F(PublisherTest, carries_over_no_page_of_a_file_that_is_right_by_now) {
  load({.tip = "s1", .files = {{"errors/a.yaml.md", "# a.yaml\n"}}, .lease_epoch = 1}, seconds(0));
  ASSERT_EQ(pushes(seconds(5)), 1U);
  EXPECT_FALSE(last.files.contains("errors/a.yaml.md"));
}

TEST_F(PublisherTest, makes_no_second_commit_when_only_the_answer_was_lost) {
  begin();
  change("c2", seconds(20));
  ASSERT_EQ(pushes(seconds(25)), 1U);
  answer(failed(ErrorCode::Unavailable), seconds(25));
  tips.status = "s2";
  publisher.listed(tips);
  load({.tip = "s2", .files = last.files, .lease_epoch = 1}, seconds(30));
  EXPECT_EQ(pushes(seconds(60)), 0U);
}

TEST_F(PublisherTest, tries_again_after_minutes_when_the_remote_refuses) {
  begin();
  change("c2", seconds(20));
  ASSERT_EQ(pushes(seconds(25)), 1U);
  answer(failed(ErrorCode::Rejected), seconds(25));
  EXPECT_EQ(pushes(minutes(5)), 0U);
  EXPECT_EQ(pushes(minutes(5) + seconds(25)), 1U);
}

TEST_F(PublisherTest, tries_again_soon_when_the_credentials_are_refused_and_says_so_once) {
  begin();
  change("c2", seconds(20));
  ASSERT_EQ(pushes(seconds(25)), 1U);
  answer(failed(ErrorCode::Unauthenticated), seconds(25));
  EXPECT_FALSE(publisher.is_closed()) << "a token is replaced, and it is taken";
  ASSERT_EQ(pushes(seconds(30)), 1U);
  Effects effects;
  publisher.on(StatusPublished{failed(ErrorCode::Unauthenticated)}, at(seconds(30)), effects);
  EXPECT_TRUE(effects.empty());
}

TEST_F(PublisherTest, shows_what_flaps_as_ready_only_after_ten_quiet_seconds) {
  begin();
  set_phase(Phase::Ready, seconds(20));
  ASSERT_EQ(pushes(seconds(25)), 1U);
  answer("s2", seconds(25));
  set_phase(Phase::Degraded, seconds(40));
  ASSERT_EQ(pushes(seconds(41)), 1U);
  answer("s3", seconds(41));
  set_phase(Phase::Ready, seconds(50));
  ASSERT_EQ(pushes(seconds(55)), 1U);
  EXPECT_NE(shown().find("\"Settling\""), std::string::npos);
  answer("s4", seconds(55));
  EXPECT_EQ(pushes(seconds(64)), 0U);
  ASSERT_TRUE(publisher.deadline());
  EXPECT_EQ(pushes(seconds(65)), 0U) << "an urgent change still waits a second for others";
  ASSERT_EQ(pushes(seconds(66)), 1U);
  EXPECT_NE(shown().find("\"phase\": \"Ready\""), std::string::npos);
}

TEST_F(PublisherTest, goes_on_with_the_since_that_the_tip_says) {
  load({}, seconds(0));
  set_phase(Phase::Ready, seconds(0));
  ASSERT_EQ(pushes(seconds(5)), 1U);
  const StatusTree tip{.tip = "s1", .files = last.files, .lease_epoch = 1};
  Publisher restarted(its_options);
  Effects effects;
  restarted.wants_tree(at(seconds(60)), RemoteTips{{}, "s1"}, effects);
  restarted.on(StatusLoaded{tip}, at(seconds(60)), effects);
  status::ObjectStatus object = objects.at(0);
  object.since = at(seconds(60)).wall;
  restarted.stamp(object, at(seconds(60)));
  EXPECT_EQ(object.since, at(seconds(0)).wall);
}

}  // namespace
}  // namespace ray_gitops::engine::test
