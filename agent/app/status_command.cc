#include "agent/app/status_command.h"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "agent/app/config.h"
#include "agent/app/files.h"
#include "agent/app/git_folder.h"
#include "agent/app/terminal.h"
#include "agent/git/git_worker.h"
#include "agent/log/log.h"
#include "agent/loop/loop.h"
#include "agent/report/report.h"
#include "reconcilers/status/published.h"
#include "reconcilers/status/text.h"

namespace ray_gitops::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* k_see_the_guide = "see docs/status-command.md";

// Asks the Git child for the tree at the branch's tip. NotFound when there is no such branch.
class StatusReader {
 public:
  StatusReader(git::GitWorkerOptions options, std::string branch)
      : worker_(loop_, std::move(options)), branch_(std::move(branch)) {}

  Result<engine::StatusTree> read() {
    loop_.watch_signals({SIGINT, SIGTERM},
                        [this](int) { end(fail(ErrorCode::Unavailable, "it was interrupted")); });
    worker_.submit(git::ListRequest{branch_, branch_},
                   [this](Result<engine::RemoteTips> tips) { load(std::move(tips)); });
    loop_.run();
    return std::move(answer_);
  }

 private:
  void load(Result<engine::RemoteTips> tips) {
    if (!tips) return end(tl::unexpected(std::move(tips.error())));
    if (!tips->status)
      return end(fail(ErrorCode::NotFound, "the repository has no such branch", branch_));
    worker_.submit(git::LoadStatusRequest{branch_, tips->status},
                   [this](Result<engine::StatusTree> tree) { end(std::move(tree)); });
  }
  void end(Result<engine::StatusTree> answer) {
    answer_ = std::move(answer);
    loop_.stop();
  }

  Loop loop_;
  git::GitWorker worker_;
  std::string branch_;
  Result<engine::StatusTree> answer_ = fail(ErrorCode::Internal, "nothing was read");
};

// Where to read, as the configuration or the options say.
struct Target {
  git::GitWorkerOptions git;
  std::string branch;
};

// The Git child takes absolute paths. What has a ':' in it and is no path is a URL, which it
// judges.
std::string absolute_where_it_is_a_path(const std::string& repository) {
  std::error_code error;
  const bool is_url = repository.find(':') != std::string::npos && !fs::exists(repository, error);
  return is_url ? repository : fs::absolute(repository, error).lexically_normal().string();
}

Result<Target> target_of(const cli::StatusCommand& command) {
  if (command.config.empty()) {
    if (command.agent_id.empty() && command.branch.empty())
      return fail(ErrorCode::InvalidInput, "say whose status: --agent ID or --branch BRANCH");
    AgentConfig config;
    config.repository.url = absolute_where_it_is_a_path(command.repository);
    return Target{git_options(config, ""), report::default_report_options(command.agent_id).branch};
  }
  const AgentConfig config = TRY(load_config(command.config));
  if (!config.status.enabled)
    return fail(ErrorCode::InvalidInput, "status.enabled is false: this agent reports nothing",
                command.config);
  return Target{git_options(config, ""), config.status.branch};
}

std::string next_step(const Error& error, const std::string& branch) {
  if (error.code == ErrorCode::NotFound && error.where == branch)
    return "the agent has not reported yet: is it running, does its agentId match?";
  if (error.code == ErrorCode::Unauthenticated || error.code == ErrorCode::Forbidden)
    return "with --config, the credentials of the configuration are used";
  if (error.code == ErrorCode::Conflict) return "the branch was replaced meanwhile: try again";
  return "is the repository's address right, and can it be reached from here?";
}

status::TextOptions text_options() {
  return {.columns_max = terminal_columns(), .colour = takes_colour()};
}

int print_json(const status::Tree& tree, const std::string& path) {
  const Result<std::string> json = status::safe_json(tree.at(path));
  if (!json) return complain(json.error(), k_see_the_guide);
  std::fputs(json->c_str(), stdout);
  return cli::k_exit_ok;
}

int print_overview(const status::Tree& tree, const status::PublishedStatus& published, bool json) {
  if (json) return print_json(tree, status::k_summary_path);
  std::fputs(status::render_overview(published, text_options()).c_str(), stdout);
  return cli::k_exit_ok;
}

int print_object(const status::Tree& tree, const status::PublishedStatus& published,
                 const std::string& asked, bool json) {
  const Result<const status::PublishedObject*> found = status::find_object(published, asked);
  if (!found) {
    complain(found.error(), "without OBJECT, all that the agent has reported are listed");
    return found.error().code == ErrorCode::NotFound ? cli::k_exit_failed : cli::k_exit_usage;
  }
  const status::PublishedObject& object = **found;
  if (json) return print_json(tree, object.path);
  const Result<FinishedRuns> runs = status::published_runs(tree, object);
  std::fputs(status::render_object(published, object, runs, text_options()).c_str(), stdout);
  return cli::k_exit_ok;
}

int print(const status::Tree& tree, const cli::StatusCommand& command) {
  const Result<status::PublishedStatus> published = status::read_tree(tree);
  if (!published)
    return complain(published.error(), "is this the status branch of an agent of this version?");
  const bool json = command.output == "json";
  return command.object.empty() ? print_overview(tree, *published, json)
                                : print_object(tree, *published, command.object, json);
}

}  // namespace

int run_status(const cli::StatusCommand& command) {
  log::configure(log::Level::Error, log::Format::Human);
  Result<Target> target = target_of(command);
  if (!target) {
    complain(target.error(), k_see_the_guide);
    return cli::k_exit_usage;
  }
  if (!command.branch.empty()) target->branch = command.branch;
  const Result<GitFolder> folder = GitFolder::take("status", target->git.url);
  if (!folder) return complain(folder.error(), "set XDG_CACHE_HOME or TMPDIR to one");
  target->git.cache_directory = folder->path();
  const Result<engine::StatusTree> tree = StatusReader(target->git, target->branch).read();
  if (!tree) return complain(tree.error(), next_step(tree.error(), target->branch));
  return print(tree->files, command);
}

}  // namespace ray_gitops::app
