// Whatever a commit says and whatever lives: the guard keeps its promises.

#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "reconcilers/sync/judge.h"

namespace ray_gitops::sync {
namespace {

using rc::gen::inRange;

ObjectKey any_key() {
  const Kind kind = *rc::gen::element(Kind::RayCluster, Kind::RayCluster, Kind::RayCluster,
                                      Kind::ConfigMap, Kind::Namespace);
  return {kind, kind == Kind::Namespace ? "" : "team", "n" + std::to_string(*inRange(0, 12))};
}

RestartHashes any_hashes() {
  RestartHashes hashes;
  for (const char* group : {"headgroup", "small"})
    if (*inRange(0, 4) != 0) hashes[group] = "v" + std::to_string(*inRange(0, 3));
  return hashes;
}

LiveFacts any_live() {
  LiveFacts live;
  const int count = *inRange(0, 20);
  for (int index = 0; index < count; ++index) live.objects[any_key()] = any_hashes();
  for (int index = 0; index < 3; ++index)
    if (*inRange(0, 3) == 0) live.approved_removals.insert(any_key());
  return live;
}

// Mostly what lives, less some of it and with some of it changed.
CommitFacts any_commit(const LiveFacts& live) {
  CommitFacts commit;
  commit.commit = std::string(40, 'b');
  commit.accepted = std::string(40, 'a');
  commit.descends_from_accepted = *inRange(0, 6) != 0;
  const int forgets = *inRange(1, 10);
  for (const auto& [key, hashes] : live.objects)
    if (*inRange(0, forgets + 1) != 0)
      commit.wanted[key] = *inRange(0, 4) == 0 ? any_hashes() : hashes;
  for (int index = 0; index < 2; ++index)
    if (*inRange(0, 3) == 0) commit.named.insert(any_key());
  if (*inRange(0, 6) == 0) commit.opaque_file = "broken.yaml";
  return commit;
}

TEST(AnyCommit, removes_only_what_lives_and_nothing_names) {
  EXPECT_TRUE(rc::check([] {
    const LiveFacts live = any_live();
    const CommitFacts commit = any_commit(live);
    for (const ObjectKey& key : judge(commit, live, {}).removals) {
      RC_ASSERT(live.objects.contains(key));
      RC_ASSERT(!commit.wanted.contains(key));
      RC_ASSERT(!commit.named.contains(key));
      RC_ASSERT(!commit.opaque_file || live.approved_removals.contains(key));
    }
  }));
}

TEST(AnyCommit, that_does_not_descend_does_nothing) {
  EXPECT_TRUE(rc::check([] {
    const LiveFacts live = any_live();
    CommitFacts commit = any_commit(live);
    commit.descends_from_accepted = false;
    const Verdict verdict = judge(commit, live, {});
    RC_ASSERT(!verdict.acted_on);
    RC_ASSERT(verdict.removals.empty() && verdict.held.empty());
    RC_ASSERT(verdict.hold_id.size() == 12);
  }));
}

TEST(AnyCommit, holds_or_removes_and_never_both) {
  EXPECT_TRUE(rc::check([] {
    const LiveFacts live = any_live();
    const CommitFacts commit = any_commit(live);
    const Verdict verdict = judge(commit, live, {});
    RC_ASSERT(std::is_sorted(verdict.removals.begin(), verdict.removals.end()));
    RC_ASSERT(std::is_sorted(verdict.held.begin(), verdict.held.end()));
    RC_ASSERT(verdict.hold_id.empty() == verdict.message.empty());
    const std::set<ObjectKey> held(verdict.held.begin(), verdict.held.end());
    for (const ObjectKey& key : verdict.removals) RC_ASSERT(!held.contains(key));
    if (!held.empty())
      for (const ObjectKey& key : verdict.removals) RC_ASSERT(live.approved_removals.contains(key));
  }));
}

TEST(AnyCommit, is_released_by_the_id_that_its_hold_shows) {
  EXPECT_TRUE(rc::check([] {
    const LiveFacts live = any_live();
    CommitFacts commit = any_commit(live);
    commit.descends_from_accepted = true;
    const Verdict first = judge(commit, live, {});
    commit.message = "Go on\n\n" + std::string(k_release_trailer) + ": " + first.hold_id + "\n";
    const Verdict second = judge(commit, live, {});
    RC_ASSERT(second.held.empty());
    RC_ASSERT(second.hold_id.empty());
  }));
}

// A message is a person's text: nothing in it makes the guard fail.
TEST(AnyCommit, has_any_bytes_for_a_message) {
  EXPECT_TRUE(rc::check([](const std::string& message) {
    const LiveFacts live = any_live();
    CommitFacts commit = any_commit(live);
    const std::string id = judge(commit, live, {}).hold_id;
    commit.message = message;
    RC_ASSERT(judge(commit, live, {}).hold_id == id);
  }));
}

}  // namespace
}  // namespace ray_gitops::sync
