#include "agent/app/main.h"

#include <cstdio>
#include <variant>

#include "agent/app/agent_command.h"
#include "agent/app/check_command.h"
#include "agent/app/local_cluster_command.h"
#include "agent/app/plan_command.h"
#include "agent/app/status_command.h"
#include "agent/app/validate_command.h"
#include "agent/app/version.h"
#include "agent/app/why_command.h"
#include "agent/cli/command_line.h"
#include "agent/git/run_git_worker.h"
#include "agent/local_cluster/kubelet/supervisor.h"

namespace ray_gitops::app {
namespace {

template <class... Handlers>
struct Overload : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overload(Handlers...) -> Overload<Handlers...>;

int print_version() {
  std::printf("ray-gitops %s\n", k_version);
  return cli::k_exit_ok;
}

}  // namespace

int run(int argc, char** argv) {
  const cli::ParsedCommandLine parsed = cli::parse_command_line(argc, argv);
  if (!parsed.command) return parsed.exit_code;
  return std::visit(
      Overload{
          [](const cli::AgentCommand& command) { return run_agent(command); },
          [](const cli::CheckCommand& command) { return run_check(command); },
          [](const cli::LocalClusterCommand& command) { return run_local_cluster(command); },
          [](const cli::PlanCommand& command) { return run_plan(command); },
          [](const cli::StatusCommand& command) { return run_status(command); },
          [](const cli::ValidateCommand& command) { return run_validate(command); },
          [](const cli::VersionCommand&) { return print_version(); },
          [](const cli::WhyCommand& command) { return run_why(command); },
          [](const cli::GitWorkerCommand&) { return git::run_git_worker(); },
          [](const cli::PodSupervisorCommand& command) {
            return local_cluster::supervise({.directory = command.state_directory});
          },
      },
      *parsed.command);
}

}  // namespace ray_gitops::app
