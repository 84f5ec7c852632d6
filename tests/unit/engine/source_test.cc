#include "agent/engine/source.h"

#include "tests/unit/engine/bench.h"
#include "tests/unit/engine/support.h"

namespace ray_gitops::engine::test {
namespace {

using std::chrono::seconds;

class SourceTest : public testing::Test {
 protected:
  void poll(Duration when, const std::string& tip) {
    Effects effects;
    source.pump(at(when), effects);
    source.on(RemoteListed{RemoteTips{tip, std::nullopt}}, at(when), effects);
  }
  LoadCommit load() {
    Effects effects;
    source.load("", effects);
    return all<LoadCommit>(effects).at(0);
  }
  void read(const std::string& commit, const Files& files, Duration when = seconds(1)) {
    poll(when, commit);
    const LoadCommit asked = load();
    Effects effects;
    source.on(CommitLoaded{commit, tree_of(commit, files, asked.known_blobs)}, at(when), effects);
  }

  EngineOptions its_options = options();
  Source source{its_options};
  const ObjectKey demo{Kind::RayCluster, "default", "demo"};
};

TEST_F(SourceTest, reads_a_content_once_however_often_its_file_moves) {
  read("c1", {{"a.yaml", cluster_file("demo")}});
  ASSERT_TRUE(source.loaded()->declarations.contains(demo));
  poll(seconds(20), "c2");
  const LoadCommit asked = load();
  EXPECT_EQ(asked.known_blobs.size(), 1U);
  Effects effects;
  source.on(CommitLoaded{"c2", tree_of("c2", {{"moved/b.yaml", cluster_file("demo")}},
                                       asked.known_blobs)},
            at(seconds(20)), effects);
  const Declaration& moved = source.loaded()->declarations.at(demo);
  EXPECT_EQ(moved.provenance.path, "moved/b.yaml");
  EXPECT_EQ(moved.provenance.commit, "c2");
}

TEST_F(SourceTest, takes_an_object_in_two_files_from_neither) {
  read("c1", {{"a.yaml", cluster_file("demo")}, {"b.yaml", cluster_file("demo")}});
  EXPECT_TRUE(source.loaded()->declarations.empty());
  EXPECT_EQ(source.loaded()->invalid.at(demo).rule, "DuplicateObject");
  EXPECT_EQ(source.loaded()->diagnostics.size(), 2U);
}

TEST_F(SourceTest, remembers_which_file_nobody_can_understand) {
  read("c1", {{"a.yaml", cluster_file("demo")}, {"b.yaml", "kind: [RayCluster\n"}});
  EXPECT_EQ(source.loaded()->opaque_file, "b.yaml");
  EXPECT_TRUE(source.loaded()->declarations.contains(demo)) << "the others are not touched by it";
}

TEST_F(SourceTest, names_the_object_of_a_file_that_breaks_the_schema) {
  read("c1", {{"a.yaml", cluster_file("demo") + "  noSuchField: 1\n"}});
  EXPECT_TRUE(source.loaded()->declarations.empty());
  EXPECT_EQ(source.loaded()->invalid.at(demo).rule, "UnknownField");
  EXPECT_FALSE(source.loaded()->opaque_file);
}

TEST_F(SourceTest, polls_again_later_each_time_the_remote_is_unreachable) {
  Duration now{0};
  Duration waited{0};
  for (int attempt = 1; attempt <= 8; ++attempt) {
    Effects effects;
    source.pump(at(now), effects);
    ASSERT_EQ(all<ListRemote>(effects).size(), 1U);
    source.on(RemoteListed{failed(ErrorCode::Unavailable)}, at(now), effects);
    const Duration wait = source.deadline().value() - at(now).monotonic;
    EXPECT_GE(wait, waited);
    waited = wait;
    now += wait;
  }
  EXPECT_EQ(waited, Duration(seconds(60)));
  EXPECT_FALSE(source.problem().empty());
}

TEST_F(SourceTest, says_one_thing_while_polls_succeed_and_the_commit_cannot_be_read) {
  Duration now{0};
  Duration waited{0};
  for (int attempt = 1; attempt <= 8; ++attempt) {
    poll(now, "c1");
    ASSERT_TRUE(source.wants_commit());
    if (attempt > 1) {
      EXPECT_FALSE(source.problem().empty()) << "a poll does not mend it";
    }
    load();
    Effects effects;
    source.on(CommitLoaded{"c1", failed(ErrorCode::LimitExceeded)}, at(now), effects);
    EXPECT_EQ(all<WriteLog>(effects).size(), attempt == 1 ? 1U : 0U);
    const Duration wait = source.deadline().value() - at(now).monotonic;
    EXPECT_GE(wait, waited);
    waited = wait;
    now += wait;
  }
  read("c1", {}, now);
  EXPECT_TRUE(source.problem().empty());
}

}  // namespace
}  // namespace ray_gitops::engine::test
