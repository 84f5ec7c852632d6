#include <filesystem>
#include <fstream>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/unit/git/support.h"

namespace ray_gitops::git {
namespace {

using Files = std::map<std::string, std::string>;

class Publish : public GitTest {
 protected:
  std::string status(const std::string& arguments) {
    return git(arguments + " refs/heads/ray-status/test");
  }
  Result<engine::StatusTree> load_status(const std::optional<std::string>& tip) {
    return ask(LoadStatusRequest{"ray-status/test", tip});
  }
  void forget_cache() { std::filesystem::remove_all(path("cache")); }

  const Files files_{{"README.md", "all good\n"},
                     {"errors/a.yaml.md", "error\n"},
                     {"ledger/a/job.json", "[]\n"},
                     {"objects/a-b/RayCluster/x.json", "{}"},
                     {"objects/a/RayCluster/y.json", "{\"y\":1}"},
                     {"objects/a/RayCluster/z.json", "{}"},
                     {"summary.json", "{}\n"}};
};

TEST_F(Publish, starts_the_branch_with_an_orphan) {
  commit_all();
  const auto tip = publish(std::nullopt, files_);
  ASSERT_TRUE(tip) << describe(tip.error());
  EXPECT_EQ(status("rev-parse"), *tip);
  EXPECT_EQ(status("rev-list --count"), "1");
  EXPECT_EQ(status("log -1 --format='%an <%ae> %cn <%ce> %at %ct'"),
            "Ray GitOps test <ray-gitops+test@users.noreply.localhost> Ray GitOps test "
            "<ray-gitops+test@users.noreply.localhost> 1700000000 1700000000");
  EXPECT_EQ(status("log -1 --format=%B"), "status: 1 ready\n\nLease-Epoch: 7");
  EXPECT_EQ(status("ls-tree -r --name-only"),
            "README.md\nerrors/a.yaml.md\nledger/a/job.json\nobjects/a-b/RayCluster/x.json\n"
            "objects/a/RayCluster/y.json\nobjects/a/RayCluster/z.json\nsummary.json");
  EXPECT_EQ(git("show refs/heads/ray-status/test:objects/a/RayCluster/y.json"), "{\"y\":1}");
  git("fsck --strict --full");
}

TEST_F(Publish, works_in_a_repository_without_a_commit_and_in_a_bare_one) {
  const auto tip = publish(std::nullopt, files_);
  ASSERT_TRUE(tip) << describe(tip.error());
  EXPECT_EQ(status("rev-parse"), *tip);
  run("git init -q --bare '" + path("bare") + "'");
  worker_with(options(path("bare")));
  const auto bare = publish(std::nullopt, files_);
  ASSERT_TRUE(bare) << describe(bare.error());
  EXPECT_EQ(*bare, *tip) << "the same state gives the same commit";
  run("git -C '" + path("bare") + "' fsck --strict --full");
}

TEST_F(Publish, adds_a_commit_to_the_expected_tip) {
  const auto first = publish(std::nullopt, files_);
  ASSERT_TRUE(first) << describe(first.error());
  const auto second = publish(*first, {{"README.md", "changed\n"}}, 1'700'000'001);
  ASSERT_TRUE(second) << describe(second.error());
  EXPECT_EQ(status("log --format=%H"), *second + "\n" + *first);
  EXPECT_EQ(status("ls-tree -r --name-only"), "README.md");
  forget_cache();
  const auto third = publish(*second, files_, 1'700'000'002);
  ASSERT_TRUE(third) << describe(third.error());
  EXPECT_EQ(status("rev-list --count"), "3");
  git("fsck --strict --full");
}

TEST_F(Publish, makes_no_commit_for_the_same_tree) {
  const auto first = publish(std::nullopt, files_);
  ASSERT_TRUE(first) << describe(first.error());
  const auto second = publish(*first, files_, 1'800'000'000);
  ASSERT_TRUE(second) << describe(second.error());
  EXPECT_EQ(*second, *first);
  EXPECT_EQ(status("rev-list --count"), "1");
}

TEST_F(Publish, loses_when_the_branch_has_moved) {
  const auto first = publish(std::nullopt, files_);
  ASSERT_TRUE(first) << describe(first.error());
  // It exists though it should not; it is elsewhere, forwards and to something unrelated; it is
  // gone.
  EXPECT_EQ(publish(std::nullopt, {{"README.md", "x"}}).error().code, ErrorCode::Conflict);
  const auto second = publish(*first, {{"README.md", "y"}});
  ASSERT_TRUE(second) << describe(second.error());
  EXPECT_EQ(publish(*first, {{"README.md", "z"}}).error().code, ErrorCode::Conflict);
  const std::string unrelated = commit_all();
  git("branch -f ray-status/test " + unrelated);
  EXPECT_EQ(publish(*second, {{"README.md", "z"}}).error().code, ErrorCode::Conflict);
  EXPECT_EQ(status("rev-parse"), unrelated);
  git("branch -D ray-status/test");
  EXPECT_EQ(publish(*second, {{"README.md", "z"}}).error().code, ErrorCode::Conflict);
  // A tip that was never there, with nothing in the cache.
  forget_cache();
  EXPECT_EQ(publish(*second, {{"README.md", "z"}}).error().code, ErrorCode::Conflict);
}

TEST_F(Publish, does_not_rely_on_what_a_lost_push_left_in_the_cache) {
  const auto first = publish(std::nullopt, files_);
  ASSERT_TRUE(first) << describe(first.error());
  git("branch -D ray-status/test");
  git("reflog expire --expire=now --all");
  git("gc -q --prune=now");
  const auto again = publish(std::nullopt, files_, 1'700'000'005);
  ASSERT_TRUE(again) << describe(again.error());
  git("fsck --strict --full");
  EXPECT_EQ(git("show refs/heads/ray-status/test:README.md"), "all good");
}

TEST_F(Publish, refuses_paths_that_no_tree_may_have) {
  for (const char* path : {"../x", "/x", "a//b", "a/", "", "a/../b", ".git/config",
                           "objects/.GIT/x", "a/git~1", "a\\b", "a\nb", "\xFF"})
    EXPECT_EQ(publish(std::nullopt, {{path, "x"}}).error().code, ErrorCode::InvalidInput) << path;
  EXPECT_EQ(publish(std::nullopt, {{"a", "x"}, {"a-b", "x"}, {"a/c", "x"}}).error().code,
            ErrorCode::InvalidInput);
}

TEST_F(Publish, is_rejected_where_the_branch_is_checked_out) {
  git("checkout -q -b ray-status/test");
  const std::string tip = commit_all();
  const auto answer = publish(tip, files_);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::Rejected) << describe(answer.error());
}

TEST_F(Publish, is_rejected_where_a_branch_has_the_name_of_its_folder) {
  commit_all();
  git("branch ray-status");
  const auto answer = publish(std::nullopt, files_);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::Rejected) << describe(answer.error());
}

TEST_F(Publish, is_rejected_where_a_hook_would_be_passed_by) {
  for (const char* configured : {"", "my-hooks"}) {
    const std::string hooks =
        path(std::string("work/.git/") + (*configured ? configured : "hooks"));
    if (*configured) git("config core.hooksPath my-hooks");
    std::filesystem::create_directories(hooks);
    std::ofstream(hooks + "/pre-receive") << "#!/bin/sh\nexit 1\n";
    run("chmod +x '" + hooks + "/pre-receive'");
    const auto answer = publish(std::nullopt, files_);
    ASSERT_FALSE(answer) << configured;
    EXPECT_EQ(answer.error().code, ErrorCode::Rejected) << describe(answer.error());
    EXPECT_NE(answer.error().message.find("pre-receive"), std::string::npos);
  }
}

TEST_F(Publish, a_read_only_repository_is_forbidden) {
  if (geteuid() == 0) {
    // Permissions do not hold root: a read-only file system does, in a mount namespace of our own.
    if (unshare(CLONE_NEWNS) != 0) GTEST_SKIP() << "mount namespaces are not allowed here";
    ASSERT_EQ(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    ASSERT_EQ(mount(work_.c_str(), work_.c_str(), nullptr, MS_BIND, nullptr), 0);
    ASSERT_EQ(mount("none", work_.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr), 0);
  } else {
    run("chmod -R a-w '" + work_ + "'");
  }
  const auto answer = publish(std::nullopt, files_);
  if (geteuid() == 0)
    umount2(work_.c_str(), MNT_DETACH);
  else
    run("chmod -R u+w '" + work_ + "'");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::Forbidden) << describe(answer.error());
}

TEST_F(Publish, what_was_published_is_read_back) {
  Files published = files_;
  published["inventory.json"] = "{}\n";  // never an input
  const auto tip = publish(std::nullopt, published);
  ASSERT_TRUE(tip) << describe(tip.error());
  for (const bool with_cache : {true, false}) {
    if (!with_cache) forget_cache();
    const auto tree = load_status(tip.value());
    ASSERT_TRUE(tree) << describe(tree.error());
    EXPECT_EQ(tree->tip, tip.value());
    EXPECT_EQ(tree->lease_epoch, 7);
    EXPECT_EQ(tree->files, files_);
  }
}

TEST_F(Publish, no_branch_reads_as_nothing) {
  const auto tree = load_status(std::nullopt);
  ASSERT_TRUE(tree) << describe(tree.error());
  EXPECT_FALSE(tree->tip);
  EXPECT_TRUE(tree->files.empty());
}

TEST_F(Publish, a_foreign_tip_has_no_lease_epoch) {
  write_file("README.md", "mine");
  const std::string tip = commit_all("Lease-Epoch: nonsense");
  git("branch ray-status/test");
  const auto tree = load_status(tip);
  ASSERT_TRUE(tree) << describe(tree.error());
  EXPECT_EQ(tree->lease_epoch, 0);
  EXPECT_EQ(tree->files, (Files{{"README.md", "mine"}}));
}

}  // namespace
}  // namespace ray_gitops::git
