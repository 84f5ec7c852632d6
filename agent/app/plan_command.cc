#include "agent/app/plan_command.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include <unistd.h>

#include "agent/app/config.h"
#include "agent/app/git_folder.h"
#include "agent/app/head_access.h"
#include "agent/app/runtime_options.h"
#include "agent/app/terminal.h"
#include "agent/app/yaml_files.h"
#include "agent/git/git_worker.h"
#include "agent/kubernetes/client.h"
#include "agent/log/log.h"
#include "agent/loop/loop.h"
#include "agent/ray/client.h"
#include "agent/report/report.h"
#include "agent/review/preview.h"
#include "agent/review/report.h"
#include "agent/source/source.h"

namespace ray_gitops::app {
namespace {

// Stands for files that are no commit, as Git's null id does.
constexpr const char* k_no_commit = "0000000000000000000000000000000000000000";

struct Problem {
  Error error;
  std::string next;  // what a person can do
};

// What is planned.
struct Wanted {
  std::string working_copy;  // the files below this folder, not a commit
  std::string commit;        // 40 hexadecimal digits, instead of the branch's tip
  std::string folder;        // watched
};

bool is_commit_id(const std::string& text) {
  constexpr std::size_t k_digits = 40;
  return text.size() == k_digits && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

constexpr const char* k_repository = "the repository";
constexpr const char* k_status_branch = "the status branch";
constexpr const char* k_heads = "Ray heads";

std::string list_of(ResourceType type, const std::string& ns) {
  return std::string("the list of ") + plural_of(type) + (ns.empty() ? "" : " in " + ns);
}

// Who is to answer, for people.
std::string asked_by(const engine::Effect& effect) {
  if (const auto* list = std::get_if<engine::StartList>(&effect))
    return list_of(list->type, list->ns);
  if (std::holds_alternative<engine::LoadStatus>(effect)) return k_status_branch;
  return std::holds_alternative<engine::AskRay>(effect) ? k_heads : k_repository;
}

std::string answered_by(const engine::Event& event) {
  if (const auto* list = std::get_if<engine::ListCompleted>(&event))
    return list_of(list->type, list->ns);
  if (const auto* ended = std::get_if<engine::WatchEnded>(&event))
    return list_of(ended->type, ended->ns);
  if (std::holds_alternative<engine::StatusLoaded>(event)) return k_status_branch;
  return std::holds_alternative<engine::RayAnswered>(event) ? k_heads : k_repository;
}

std::string next_step_for_repository(const Error& error) {
  if (error.code == ErrorCode::Unauthenticated || error.code == ErrorCode::Forbidden)
    return "see repository.credentials in docs/agent.md";
  if (error.code == ErrorCode::Conflict) return "for a commit of another branch, name the branch";
  return "is repository.url right, and can it be reached from here?";
}

std::string next_step_for_cluster(const Error& error) {
  if (error.code == ErrorCode::Unauthenticated || error.code == ErrorCode::Forbidden)
    return "a plan needs the right to list what the agent writes, where it writes";
  return "is the cluster of cluster.kubeconfig running, and can it be reached from here?";
}

// Why no plan can be made; nullopt for an answer that is good, or that a plan can do without.
std::optional<Problem> problem_of(const engine::Event& event) {
  if (const auto* listed = std::get_if<engine::RemoteListed>(&event); listed && !listed->tips)
    return Problem{listed->tips.error(), next_step_for_repository(listed->tips.error())};
  if (const auto* loaded = std::get_if<engine::CommitLoaded>(&event); loaded && !loaded->tree)
    return Problem{loaded->tree.error(), next_step_for_repository(loaded->tree.error())};
  if (const auto* status = std::get_if<engine::StatusLoaded>(&event); status && !status->tree)
    return Problem{status->tree.error(), next_step_for_repository(status->tree.error())};
  if (const auto* ended = std::get_if<engine::WatchEnded>(&event);
      ended && !review::Preview::can_do_without(*ended)) {
    Error error = ended->error;
    error.message =
        std::string(plural_of(ended->type)) + " of the cluster cannot be listed: " + error.message;
    return Problem{error, next_step_for_cluster(ended->error)};
  }
  return std::nullopt;
}

// Reads what the preview asks for, until it is done.
class PlanRun {
 public:
  PlanRun(RuntimeOptions options, Wanted wanted)
      : wanted_(std::move(wanted)),
        preview_(std::move(options.engine), loop_.now()),
        worker_(loop_, std::move(options.git)),
        source_(worker_, std::move(options.source),
                [this](engine::Event event) { deliver(std::move(event)); }),
        report_(loop_, worker_, std::move(options.report),
                [this](engine::Event event) { deliver(std::move(event)); }),
        kubernetes_(loop_, options.kubernetes,
                    [this](engine::Event event) { deliver(std::move(event)); }),
        head_access_(loop_, options.kubernetes),
        ray_(loop_, head_access_.with_access(std::move(options.ray)),
             [this](engine::Event event) { deliver(std::move(event)); }) {}

  // nullopt: the report is there.
  std::optional<Problem> run(Duration time_max) {
    loop_.watch_signals({SIGINT, SIGTERM, SIGHUP}, [this](int) {
      end({{ErrorCode::Unavailable, "it was interrupted", ""}, "nothing was changed"});
    });
    loop_.add_timer(time_max, [this, time_max] { give_up(time_max); });
    carry_out(preview_.start());
    loop_.run();
    return std::move(problem_);
  }

  const review::Report& report() const { return preview_.report(); }

 private:
  void deliver(engine::Event event) {
    if (problem_ || preview_.is_done()) return;
    if (auto problem = problem_of(event)) return end(std::move(*problem));
    if (auto* listed = std::get_if<engine::RemoteListed>(&event)) choose_commit(*listed);
    awaited_.extract(answered_by(event));
    carry_out(preview_.deliver(std::move(event)));
    if (preview_.is_done()) loop_.stop();
  }

  void choose_commit(engine::RemoteListed& listed) const {
    if (!wanted_.working_copy.empty()) listed.tips->source = k_no_commit;
    if (!wanted_.commit.empty()) listed.tips->source = wanted_.commit;
  }

  void carry_out(const engine::Effects& effects) {
    for (const engine::Effect& effect : effects) {
      awaited_.insert(asked_by(effect));
      if (const auto* list = std::get_if<engine::ListRemote>(&effect)) source_.list_remote(*list);
      if (const auto* load = std::get_if<engine::LoadCommit>(&effect)) load_commit(*load);
      if (const auto* load = std::get_if<engine::LoadStatus>(&effect)) report_.load_status(*load);
      if (const auto* list = std::get_if<engine::StartList>(&effect)) kubernetes_.start_list(*list);
      if (const auto* ask = std::get_if<engine::AskRay>(&effect)) ray_.ask(*ask);
    }
  }

  void load_commit(const engine::LoadCommit& load) {
    if (wanted_.working_copy.empty()) return source_.load_commit(load);
    loop_.add_timer(Duration{0}, [this] {
      Result<engine::SourceTree> tree =
          read_working_copy(wanted_.working_copy, wanted_.folder, k_no_commit);
      if (!tree)
        return end({std::move(tree.error()),
                    "--path is the root of a working copy; repository.path is below it"});
      deliver(engine::CommitLoaded{k_no_commit, std::move(tree)});
    });
  }

  void give_up(Duration time_max) {
    std::string waits_for;
    const std::set<std::string> names(awaited_.begin(), awaited_.end());
    for (const std::string& name : names) waits_for += (waits_for.empty() ? "" : ", ") + name;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time_max).count();
    end({{ErrorCode::Unavailable,
          "no answer within " + std::to_string(seconds) + " s from " + waits_for, ""},
         "--timeout gives it more time"});
  }

  void end(Problem problem) {
    problem_ = std::move(problem);
    loop_.stop();
  }

  Loop loop_;
  Wanted wanted_;
  review::Preview preview_;
  git::GitWorker worker_;
  source::Source source_;
  report::Report report_;
  kubernetes::KubernetesClient kubernetes_;
  HeadAccess head_access_;
  ray::RayClient ray_;
  std::optional<Problem> problem_;
  std::multiset<std::string> awaited_;  // who is to answer
};

// On a terminal, and only while nothing else is written there.
class Progress {
 public:
  Progress() : shown_(::isatty(STDERR_FILENO) != 0) {
    if (shown_) std::fputs("reading the repository and the cluster ...", stderr);
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
  }

 private:
  bool shown_;
};

Wanted wanted_of(const cli::PlanCommand& command, const AgentConfig& config) {
  return {.working_copy = command.path,
          .commit = is_commit_id(command.commit) ? command.commit : "",
          .folder = config.repository.path};
}

std::string subject_of(const Wanted& wanted, const std::string& branch) {
  if (!wanted.working_copy.empty()) return "the files in " + wanted.working_copy;
  return "branch " + branch;
}

int print(review::Report report, const Wanted& wanted, const std::string& branch,
          const cli::PlanCommand& command) {
  report.subject = subject_of(wanted, branch);
  if (report.commit == k_no_commit) report.commit.clear();
  const std::string text = command.output == "json" ? review::render_json(report)
                                                    : review::render_text(report, takes_colour());
  std::fputs(text.c_str(), stdout);
  if (review::has_problems(report)) return cli::k_exit_failed;
  return command.exit_code && review::has_changes(report) ? cli::k_exit_changes : cli::k_exit_ok;
}

}  // namespace

int run_plan(const cli::PlanCommand& command) {
  log::configure(log::Level::Error, log::Format::Human);
  const Result<AgentConfig> config = load_config(command.config);
  if (!config) {
    complain(config.error(), "see docs/agent.md for what it may hold");
    return cli::k_exit_usage;
  }
  Result<kubernetes::Connection> connection = connect_to_cluster(*config);
  if (!connection) return complain(connection.error(), k_connect_hint);
  const Result<GitFolder> folder = GitFolder::take("plan", config->repository.url);
  if (!folder) return complain(folder.error(), "set XDG_CACHE_HOME or TMPDIR to one");
  const Wanted wanted = wanted_of(command, *config);
  RuntimeOptions options = runtime_options(*config, "plan", folder->path(), std::move(*connection));
  // Another branch is planned as if it were the watched one.
  if (!command.commit.empty() && wanted.commit.empty()) {
    options.engine.branch = command.commit;
    options.source.branch = command.commit;
  }
  const std::string branch = options.source.branch;
  PlanRun run(std::move(options), wanted);
  std::optional<Problem> problem;
  {
    const Progress progress;
    problem = run.run(std::chrono::seconds(command.timeout_seconds));
  }
  if (problem) return complain(problem->error, problem->next);
  return print(run.report(), wanted, branch, command);
}

}  // namespace ray_gitops::app
