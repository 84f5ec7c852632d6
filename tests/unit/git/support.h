#pragma once
// A temporary directory with real repositories in it, and a loop with a GitWorker.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "agent/git/git_worker.h"
#include "agent/loop/loop.h"

namespace ray_gitops::git {

constexpr Duration k_test_time_max{30'000};

// What a shell command prints, without the final newline. A failure of the command fails the test.
std::string run(const std::string& command);

std::vector<pid_t> child_processes();

struct RawEntry {
  std::string mode;  // "100644", "40000", "120000", "160000"
  std::string name;
  std::string id;
};

class GitTest : public testing::Test {
 protected:
  GitTest();
  ~GitTest() override;

  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  // "git -C <work tree>" with these arguments.
  std::string git(const std::string& arguments);
  void write_file(const std::string& name, const std::string& content);
  // Commits all files of the work tree; the new commit's id.
  std::string commit_all(const std::string& message = "change");
  std::string blob_of(const std::string& content);
  std::string tree_of(const std::vector<RawEntry>& entries);
  // A commit on main with exactly this tree.
  std::string commit_tree(const std::string& tree);

  GitWorker& worker();
  GitWorker& worker_with(GitWorkerOptions options);
  GitWorkerOptions options(const std::string& url) const;

  template <class R>
  Result<typename R::Answer> ask(R request) {
    std::optional<Result<typename R::Answer>> result;
    worker().submit(std::move(request), [&](Result<typename R::Answer> answer) {
      result = std::move(answer);
      loop_.stop();
    });
    run_loop();
    if (!result) return fail(ErrorCode::Internal, "no answer in the test's time");
    return std::move(*result);
  }
  // Until stop() or k_test_time_max.
  void run_loop();

  Result<engine::RemoteTips> list();
  Result<engine::SourceTree> load(const std::string& commit, const std::string& accepted = "",
                                  std::set<std::string> known_blobs = {},
                                  const std::string& folder = "");
  Result<std::string> publish(const std::optional<std::string>& expected,
                              std::map<std::string, std::string> files,
                              std::int64_t seconds = 1'700'000'000);

  std::string directory_;
  std::string work_;  // the user's repository, with a work tree; its branch is main
  Loop loop_;
  std::unique_ptr<GitWorker> worker_;
};

}  // namespace ray_gitops::git
