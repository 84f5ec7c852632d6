#include "tests/unit/git/support.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

#include <sys/wait.h>
#include <unistd.h>

#include "agent/git/run_git_worker.h"

// The test program is its own Git child.
int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "git-worker")
    return ray_gitops::git::run_git_worker();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

namespace ray_gitops::git {

std::string run(const std::string& command) {
  std::FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::string output;
  std::array<char, 4096> bytes{};
  while (const std::size_t count = std::fread(bytes.data(), 1, bytes.size(), pipe))
    output.append(bytes.data(), count);
  const int status = pclose(pipe);
  EXPECT_EQ(status, 0) << command << "\n" << output;
  while (!output.empty() && output.back() == '\n') output.pop_back();
  return output;
}

std::vector<pid_t> child_processes() {
  std::ifstream file("/proc/thread-self/children");
  std::vector<pid_t> children;
  for (pid_t pid = 0; file >> pid;) children.push_back(pid);
  return children;
}

GitTest::GitTest() {
  std::string name = (std::filesystem::temp_directory_path() / "rg-git-XXXXXX").string();
  directory_ = mkdtemp(name.data());
  work_ = path("work");
  for (const auto& [variable, value] :
       {std::pair{"GIT_CONFIG_GLOBAL", "/dev/null"}, std::pair{"GIT_CONFIG_SYSTEM", "/dev/null"},
        std::pair{"GIT_AUTHOR_NAME", "A User"}, std::pair{"GIT_AUTHOR_EMAIL", "user@localhost"},
        std::pair{"GIT_COMMITTER_NAME", "A User"},
        std::pair{"GIT_COMMITTER_EMAIL", "user@localhost"}})
    setenv(variable, value, 1);
  run("git init -q -b main '" + work_ + "'");
}

GitTest::~GitTest() {
  worker_.reset();
  for (const pid_t pid : child_processes()) waitpid(pid, nullptr, 0);
  std::error_code error;
  std::filesystem::remove_all(directory_, error);
}

std::string GitTest::git(const std::string& arguments) {
  return run("git -C '" + work_ + "' " + arguments);
}

void GitTest::write_file(const std::string& name, const std::string& content) {
  const std::filesystem::path file = std::filesystem::path(work_) / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << content;
}

std::string GitTest::commit_all(const std::string& message) {
  git("add -A");
  git("commit -q --allow-empty -m '" + message + "'");
  return git("rev-parse HEAD");
}

std::string GitTest::blob_of(const std::string& content) {
  const std::string file = path("blob");
  std::ofstream(file, std::ios::binary) << content;
  return git("hash-object -w '" + file + "'");
}

std::string GitTest::tree_of(const std::vector<RawEntry>& entries) {
  const std::string file = path("tree");
  std::ofstream stream(file, std::ios::binary);
  for (const RawEntry& entry : entries) {
    stream << entry.mode << ' ' << entry.name << '\0';
    for (std::size_t at = 0; at < entry.id.size(); at += 2)
      stream << static_cast<char>(std::stoi(entry.id.substr(at, 2), nullptr, 16));
  }
  stream.close();
  return git("hash-object --literally -w -t tree '" + file + "'");
}

std::string GitTest::commit_tree(const std::string& tree) {
  std::string commit = git("commit-tree -m odd " + tree);
  git("update-ref refs/heads/main " + commit);
  return commit;
}

GitWorkerOptions GitTest::options(const std::string& url) const {
  return {
      .command = {"/proc/self/exe", "git-worker"}, .url = url, .cache_directory = path("cache")};
}

GitWorker& GitTest::worker() {
  return worker_ ? *worker_ : worker_with(options("file://" + work_));
}

GitWorker& GitTest::worker_with(GitWorkerOptions options) {
  worker_ = std::make_unique<GitWorker>(loop_, std::move(options));
  return *worker_;
}

void GitTest::run_loop() {
  const TimerId timer = loop_.add_timer(k_test_time_max, [this] {
    ADD_FAILURE() << "nothing happened in the test's time";
    loop_.stop();
  });
  loop_.run();
  loop_.cancel_timer(timer);
}

Result<engine::RemoteTips> GitTest::list() { return ask(ListRequest{"main", "ray-status/test"}); }

Result<engine::SourceTree> GitTest::load(const std::string& commit, const std::string& accepted,
                                         std::set<std::string> known_blobs,
                                         const std::string& folder) {
  return ask(LoadRequest{"main", folder, commit, accepted, std::move(known_blobs)});
}

Result<std::string> GitTest::publish(const std::optional<std::string>& expected,
                                     std::map<std::string, std::string> files,
                                     std::int64_t seconds) {
  return ask(PublishRequest{.branch = "ray-status/test",
                            .expected_tip = expected,
                            .files = std::move(files),
                            .message = "status: 1 ready\n\nLease-Epoch: 7\n",
                            .author_name = "Ray GitOps test",
                            .author_email = "ray-gitops+test@users.noreply.localhost",
                            .time = {seconds * 1000}});
}

}  // namespace ray_gitops::git
