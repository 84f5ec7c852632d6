#include "agent/loop/clock.h"
#include "agent/report/report.h"
#include "agent/source/source.h"
#include "tests/unit/git/support.h"

namespace ray_gitops::git {
namespace {

class SourceAndReport : public GitTest {
 protected:
  SourceAndReport()
      : source_(worker(), {.branch = "main", .status_branch = "ray-status/prod", .folder = "apps"},
                [this](engine::Event event) { take(std::move(event)); }),
        report_(loop_, worker(), report::default_report_options("prod"),
                [this](engine::Event event) { take(std::move(event)); }) {}

  void take(engine::Event event) {
    events_.push_back(std::move(event));
    loop_.stop();
  }
  template <class E>
  E next() {
    run_loop();
    E event = std::get<E>(events_.at(0));
    events_.clear();
    return event;
  }

  std::vector<engine::Event> events_;
  source::Source source_;
  report::Report report_;
};

TEST_F(SourceAndReport, answer_each_effect_with_its_event) {
  write_file("apps/a.yaml", "a");
  write_file("b.yaml", "b");
  const std::string commit = commit_all();

  source_.list_remote({});
  const auto listed = next<engine::RemoteListed>();
  ASSERT_TRUE(listed.tips) << describe(listed.tips.error());
  EXPECT_EQ(listed.tips->source, commit);
  EXPECT_FALSE(listed.tips->status);

  source_.load_commit({.commit = commit, .accepted = "", .known_blobs = {}});
  const auto loaded = next<engine::CommitLoaded>();
  EXPECT_EQ(loaded.commit, commit);
  ASSERT_TRUE(loaded.tree) << describe(loaded.tree.error());
  ASSERT_EQ(loaded.tree->files.size(), 1U);
  EXPECT_EQ(loaded.tree->files[0].path, "apps/a.yaml");

  report_.publish_status({.expected_tip = std::nullopt,
                          .files = {{"README.md", "x"}},
                          .message = "m\n",
                          .not_after = monotonic_now() + std::chrono::minutes(1)});
  const auto published = next<engine::StatusPublished>();
  ASSERT_TRUE(published.tip) << describe(published.tip.error());
  EXPECT_EQ(git("log -1 --format='%an <%ae>' ray-status/prod"),
            "Ray GitOps prod <ray-gitops+prod@users.noreply.localhost>");

  report_.load_status({published.tip.value()});
  const auto status = next<engine::StatusLoaded>();
  ASSERT_TRUE(status.tree) << describe(status.tree.error());
  EXPECT_EQ(status.tree->files.at("README.md"), "x");
}

TEST_F(SourceAndReport, answer_failures_with_the_same_events) {
  source_.load_commit({.commit = std::string(40, 'a'), .accepted = "", .known_blobs = {}});
  const auto loaded = next<engine::CommitLoaded>();
  EXPECT_EQ(loaded.commit, std::string(40, 'a'));
  EXPECT_FALSE(loaded.tree);
  report_.publish_status({.expected_tip = std::string(40, 'a'),
                          .files = {},
                          .message = "m\n",
                          .not_after = monotonic_now() + std::chrono::minutes(1)});
  EXPECT_FALSE(next<engine::StatusPublished>().tip);
}

TEST_F(SourceAndReport, push_nothing_once_the_lease_it_was_decided_under_has_ended) {
  report_.publish_status({.expected_tip = std::nullopt,
                          .files = {{"README.md", "x"}},
                          .message = "m\n",
                          .not_after = monotonic_now()});
  const auto published = next<engine::StatusPublished>();
  ASSERT_FALSE(published.tip);
  EXPECT_EQ(published.tip.error().code, ErrorCode::Conflict);
  EXPECT_EQ(git("branch --list 'ray-status/*'"), "");
}

}  // namespace
}  // namespace ray_gitops::git
