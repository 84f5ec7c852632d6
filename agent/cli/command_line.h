#pragma once
// The command line: what was asked for, as values.

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ray_gitops::cli {

inline constexpr int k_exit_ok = 0;
inline constexpr int k_exit_failed = 1;
inline constexpr int k_exit_usage = 2;
inline constexpr int k_exit_changes = 3;  // of `plan`, when it is asked to tell by it

struct LogOptions {
  std::string level = "info";
  std::string format = "human";
};

struct AgentCommand {
  std::string config;
  LogOptions log;
};

struct CheckCommand {
  std::string config;
};

struct LocalClusterCommand {
  std::string state_directory;
  std::string kubeconfig;        // where to write it; empty: in the state directory
  std::string ray_environments;  // a folder with one Python environment a Ray version
  std::string subnet = "10.88.0.0/24";
  std::string bridge = "raygitops0";
  LogOptions log;
};

// How long a plan may take, unless it is asked for more, and at most.
inline constexpr int k_plan_seconds = 30;
inline constexpr int k_plan_seconds_max = 3600;

// At most one of `commit` and `path` is set.
struct PlanCommand {
  std::string config;
  std::string commit;           // a branch, or a commit of the watched branch
  std::string path;             // the root of a working copy
  std::string output = "text";  // or "json"
  bool exit_code = false;       // say by the exit code that there are changes
  int timeout_seconds = k_plan_seconds;
};

// Exactly one of `config` and `repository` is set.
struct StatusCommand {
  std::string config;
  std::string repository;       // URL or path
  std::string agent_id;         // with `repository`; empty when `branch` is set
  std::string branch;           // instead of the agent's
  std::string object;           // empty: all of them
  std::string output = "text";  // or "json"
};

struct WhyCommand {
  std::string config;
  std::string object;  // a RayCluster or a pod: name, or namespace/name
};

struct ValidateCommand {
  std::vector<std::string> paths;
  std::string default_namespace = "default";
  std::vector<std::string> allowed_kinds;  // beside those that are allowed by default
  std::string config;                      // instead of these two; "" when left out
};

struct VersionCommand {};

// Hidden: this program runs itself as these.
struct GitWorkerCommand {};
struct PodSupervisorCommand {
  std::string state_directory;
};

using Command = std::variant<AgentCommand, CheckCommand, LocalClusterCommand, PlanCommand,
                             StatusCommand, ValidateCommand, VersionCommand, WhyCommand,
                             GitWorkerCommand, PodSupervisorCommand>;

// Either a command, or the exit code with which the program ends: help and usage errors have been
// printed then.
struct ParsedCommandLine {
  std::optional<Command> command;
  int exit_code = k_exit_ok;
};

ParsedCommandLine parse_command_line(int argc, char** argv);

}  // namespace ray_gitops::cli
