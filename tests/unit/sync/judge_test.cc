#include "reconcilers/sync/judge.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace ray_gitops::sync {
namespace {

ObjectKey cluster(int number) {
  return {Kind::RayCluster, "default", "c" + std::to_string(number)};
}

LiveFacts live_clusters(int count) {
  LiveFacts live;
  for (int number = 0; number < count; ++number)
    live.objects[cluster(number)] = {{"headgroup", "h1"}, {"small", "w1"}};
  return live;
}

// Declares all that lives, as it lives.
CommitFacts same_as(const LiveFacts& live) {
  CommitFacts commit;
  commit.commit = std::string(40, 'b');
  commit.message = "Change things\n";
  commit.accepted = std::string(40, 'a');
  commit.wanted = live.objects;
  return commit;
}

void forget(CommitFacts& commit, int first, int count) {
  for (int number = first; number < first + count; ++number) commit.wanted.erase(cluster(number));
}

TEST(Judge, a_commit_that_changes_nothing_asks_for_nothing) {
  const LiveFacts live = live_clusters(10);
  const Verdict verdict = judge(same_as(live), live, {});
  EXPECT_TRUE(verdict.acted_on);
  EXPECT_TRUE(verdict.removals.empty());
  EXPECT_TRUE(verdict.held.empty());
  EXPECT_EQ(verdict.hold_id, "");
}

TEST(Judge, removals_within_the_budget_are_approved) {
  const LiveFacts live = live_clusters(10);
  CommitFacts commit = same_as(live);
  forget(commit, 0, 5);  // half of them, but not more than five
  const Verdict verdict = judge(commit, live, {});
  EXPECT_EQ(verdict.removals.size(), 5U);
  EXPECT_TRUE(verdict.held.empty());
}

TEST(Judge, more_than_five_are_approved_when_they_are_few_of_many) {
  const LiveFacts live = live_clusters(100);
  CommitFacts commit = same_as(live);
  forget(commit, 0, 30);  // exactly thirty percent
  EXPECT_EQ(judge(commit, live, {}).removals.size(), 30U);
}

TEST(Judge, more_than_five_and_more_than_thirty_percent_are_held) {
  const LiveFacts live = live_clusters(10);
  CommitFacts commit = same_as(live);
  forget(commit, 0, 6);
  const Verdict verdict = judge(commit, live, {});
  EXPECT_TRUE(verdict.acted_on);
  EXPECT_TRUE(verdict.removals.empty());
  EXPECT_EQ(verdict.held.size(), 6U);
  EXPECT_TRUE(std::is_sorted(verdict.held.begin(), verdict.held.end()));
  EXPECT_EQ(verdict.hold_id.size(), 12U);
  EXPECT_NE(verdict.message.find("Ray-Gitops-Release: " + verdict.hold_id), std::string::npos);
}

TEST(Judge, restarts_count_together_with_removals) {
  const LiveFacts live = live_clusters(10);
  CommitFacts commit = same_as(live);
  forget(commit, 0, 3);
  for (int number = 3; number < 6; ++number) commit.wanted[cluster(number)]["small"] = "w2";
  const Verdict verdict = judge(commit, live, {});
  EXPECT_EQ(verdict.held.size(), 6U);
}

TEST(Judge, a_group_that_is_new_or_gone_restarts_nothing) {
  const LiveFacts live = live_clusters(10);
  CommitFacts commit = same_as(live);
  for (int number = 0; number < 10; ++number) {
    commit.wanted[cluster(number)].erase("small");
    commit.wanted[cluster(number)]["large"] = "x";
  }
  EXPECT_TRUE(judge(commit, live, {}).held.empty());
}

TEST(Judge, a_commit_without_any_declaration_is_held_however_few_there_are) {
  const LiveFacts live = live_clusters(1);
  CommitFacts commit = same_as(live);
  forget(commit, 0, 1);
  const Verdict verdict = judge(commit, live, {});
  EXPECT_EQ(verdict.held, std::vector<ObjectKey>{cluster(0)});
  EXPECT_NE(verdict.message.find("no declaration is left"), std::string::npos);
}

TEST(Judge, a_later_commit_with_the_id_releases_exactly_that) {
  const LiveFacts live = live_clusters(10);
  CommitFacts commit = same_as(live);
  forget(commit, 0, 6);
  const std::string id = judge(commit, live, {}).hold_id;
  commit.message = "Let it go\n\nSigned-off-by: a person\nRay-Gitops-Release:  " + id + " \r\n";
  EXPECT_EQ(judge(commit, live, {}).removals.size(), 6U);
  forget(commit, 6, 1);  // that was not what was released
  EXPECT_TRUE(judge(commit, live, {}).removals.empty());
  EXPECT_EQ(judge(commit, live, {}).held.size(), 7U);
}

TEST(Judge, another_trailer_with_the_id_releases_nothing) {
  const LiveFacts live = live_clusters(10);
  CommitFacts commit = same_as(live);
  forget(commit, 0, 6);
  const std::string id = judge(commit, live, {}).hold_id;
  const std::vector<std::string> lines{"Release: " + id, "ray-gitops-release: " + id,
                                       "Ray-Gitops-Release: " + id + "0", "Ray-Gitops-Release:"};
  for (const std::string& line : lines) {
    commit.message = "Try\n\n" + line;
    EXPECT_TRUE(judge(commit, live, {}).removals.empty()) << line;
  }
}

TEST(Judge, nothing_of_a_commit_that_does_not_descend_is_done) {
  const LiveFacts live = live_clusters(3);
  CommitFacts commit = same_as(live);
  commit.descends_from_accepted = false;
  forget(commit, 0, 1);
  const Verdict verdict = judge(commit, live, {});
  EXPECT_FALSE(verdict.acted_on);
  EXPECT_TRUE(verdict.removals.empty());
  commit.message = "Ray-Gitops-Release: " + verdict.hold_id;
  EXPECT_TRUE(judge(commit, live, {}).acted_on);
}

TEST(Judge, while_a_file_cannot_be_understood_nothing_is_absent) {
  const LiveFacts live = live_clusters(3);
  CommitFacts commit = same_as(live);
  forget(commit, 0, 1);
  commit.opaque_file = "broken.yaml";
  const Verdict verdict = judge(commit, live, {});
  EXPECT_TRUE(verdict.removals.empty());
  EXPECT_TRUE(verdict.held.empty());
}

TEST(Judge, an_object_that_is_named_but_not_valid_is_not_absent) {
  const LiveFacts live = live_clusters(3);
  CommitFacts commit = same_as(live);
  forget(commit, 0, 1);
  commit.named.insert(cluster(0));
  EXPECT_TRUE(judge(commit, live, {}).removals.empty());
}

TEST(Judge, removals_that_were_approved_go_on_with_the_next_commit) {
  LiveFacts live = live_clusters(10);
  CommitFacts commit = same_as(live);
  forget(commit, 0, 8);
  for (int number = 0; number < 8; ++number) live.approved_removals.insert(cluster(number));
  EXPECT_EQ(judge(commit, live, {}).removals.size(), 8U);
}

TEST(Judge, an_approved_removal_that_is_declared_again_is_withdrawn) {
  LiveFacts live = live_clusters(3);
  live.approved_removals.insert(cluster(0));
  EXPECT_TRUE(judge(same_as(live), live, {}).removals.empty());
}

TEST(Judge, a_namespace_is_never_removed) {
  LiveFacts live = live_clusters(3);
  live.objects[{Kind::Namespace, "", "team"}];
  CommitFacts commit = same_as(live);
  commit.wanted.erase({Kind::Namespace, "", "team"});
  EXPECT_TRUE(judge(commit, live, {}).removals.empty());
}

}  // namespace
}  // namespace ray_gitops::sync
