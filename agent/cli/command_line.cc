#include "agent/cli/command_line.h"

#include <memory>
#include <utility>

#include <CLI/CLI.hpp>

namespace ray_gitops::cli {
namespace {

void add_log_options(CLI::App& command, LogOptions& log) {
  command.add_option("--log-level", log.level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  command.add_option("--log-format", log.format, "human, or json: one object a line")
      ->check(CLI::IsMember({"human", "json"}))
      ->capture_default_str();
}

// Every command's options, filled in by the parser, and what is chosen by the subcommand.
struct Commands {
  AgentCommand agent;
  LocalClusterCommand local_cluster;
  CheckCommand check;
  PlanCommand plan;
  StatusCommand status;
  ValidateCommand validate;
  WhyCommand why;
  PodSupervisorCommand pod_supervisor;
  std::optional<Command> chosen;
};

void add_agent(CLI::App& app, Commands& commands) {
  CLI::App* agent = app.add_subcommand("agent", "Drive a cluster to what a Git repository says");
  agent->add_option("--config", commands.agent.config, "the agent's configuration (AgentConfig)")
      ->required();
  add_log_options(*agent, commands.agent.log);
  agent->footer(
      "Runs in the foreground. SIGUSR1: poll the repository now. SIGTERM: end.\n\n"
      "Example:\n  ray-gitops agent --config agent.yaml");
  agent->callback([&] { commands.chosen = commands.agent; });
}

void add_check(CLI::App& app, Commands& commands) {
  CLI::App* check = app.add_subcommand("check", "Say which rights the agent lacks in its cluster");
  check->add_option("--config", commands.check.config, "the agent's configuration (AgentConfig)")
      ->required();
  check->footer(
      "Asks the API server what it would allow, and changes nothing. Run it with the identity of\n"
      "the agent.\n\n"
      "Exit code: 0 all that is needed, 1 rights are missing or there is no answer, 2 wrong "
      "usage.\n\n"
      "Example:\n  ray-gitops check --config agent.yaml");
  check->callback([&] { commands.chosen = commands.check; });
}

void add_local_cluster(CLI::App& app, Commands& commands) {
  LocalClusterCommand& options = commands.local_cluster;
  CLI::App* command = app.add_subcommand(
      "local-cluster",
      "Run a cluster on this machine: Ray pods as processes, no Kubernetes needed");
  command->add_option("--state", options.state_directory, "a folder for its objects and pods")
      ->required();
  command->add_option("--kubeconfig", options.kubeconfig,
                      "where to write its kubeconfig (default: STATE/kubeconfig)");
  command->add_option("--ray-environments", options.ray_environments,
                      "a folder with one Python environment for each Ray version, named by it");
  command->add_option("--subnet", options.subnet, "addresses of its pods")->capture_default_str();
  command->add_option("--bridge", options.bridge, "the bridge its pods are attached to")
      ->capture_default_str();
  add_log_options(*command, options.log);
  command->footer(
      "Runs in the foreground, as root. SIGTERM: end, with all its pods. When it is killed, its\n"
      "pods go on, and the next start takes them over.\n\n"
      "Example:\n  ray-gitops local-cluster --state /var/lib/ray-gitops/local \\\n"
      "    --ray-environments /var/cache/ray-gitops/ray\n"
      "  kubectl --kubeconfig /var/lib/ray-gitops/local/kubeconfig get pods -w");
  command->callback([&] { commands.chosen = commands.local_cluster; });
}

void add_plan(CLI::App& app, Commands& commands) {
  PlanCommand& options = commands.plan;
  CLI::App* command =
      app.add_subcommand("plan", "Show what the agent would do now, and do nothing of it");
  command->add_option("--config", options.config, "the agent's configuration (AgentConfig)")
      ->required();
  CLI::Option* commit = command->add_option(
      "--commit", options.commit,
      "another branch than the watched one, or a commit of that by all its 40 digits");
  command
      ->add_option("--path", options.path,
                   "the root of a working copy: its files, before they are committed")
      ->excludes(commit);
  command->add_option("--output", options.output, "text, or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_flag("--exit-code", options.exit_code, "exit with 3 when there are changes");
  command->add_option("--timeout", options.timeout_seconds, "seconds until it gives up")
      ->check(CLI::Range(1, k_plan_seconds_max))
      ->capture_default_str();
  command->footer(
      "Reads the repository, its status branch, the cluster and its Ray heads; writes to none.\n"
      "The agent may be running, and need not.\n\n"
      "Exit code: 0 planned, 1 files are invalid, something is held or blocked, or no plan,\n"
      "2 wrong usage, 3 there are changes (with --exit-code only).\n\n"
      "Examples:\n  ray-gitops plan --config agent.yaml\n"
      "  ray-gitops plan --config agent.yaml --commit more-workers\n"
      "  ray-gitops plan --config agent.yaml --path . --exit-code");
  command->callback([&] { commands.chosen = commands.plan; });
}

void add_status(CLI::App& app, Commands& commands) {
  StatusCommand& options = commands.status;
  CLI::App* command = app.add_subcommand(
      "status", "Show what an agent has reported: all objects, or one with all that is known");
  CLI::Option_group* where = command->add_option_group("Where to read (one of)");
  CLI::Option* config = where->add_option("--config", options.config, "the agent's configuration");
  where->add_option("--repository", options.repository, "the repository, as a URL or a path");
  where->require_option(1);
  CLI::Option* agent =
      command->add_option("--agent", options.agent_id, "the agent's id, with --repository");
  agent->excludes(config);
  command->add_option("--branch", options.branch,
                      "its status branch (default: the configuration's, or ray-status/AGENT)");
  command->add_option("OBJECT", options.object, "Kind/namespace/name, Kind/name or name");
  command
      ->add_option("--output", options.output,
                   "text, or json: the branch's file of the object, or its summary.json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->footer(
      "Reads the status branch only: no cluster is asked, and the agent need not run.\n\n"
      "Exit code: 0 shown, 1 it cannot be read or holds no such object, 2 wrong usage.\n\n"
      "Examples:\n  ray-gitops status --config agent.yaml\n"
      "  ray-gitops status --config agent.yaml RayJob/team-a/nightly\n"
      "  ray-gitops status --repository https://git.example.com/team/clusters.git --agent prod");
  command->callback([&] { commands.chosen = commands.status; });
}

void add_validate(CLI::App& app, Commands& commands) {
  CLI::App* command = app.add_subcommand("validate", "Check files before they are committed");
  command->add_option("PATH", commands.validate.paths, "files or folders (*.yaml, *.yml)")
      ->required();
  CLI::Option* const ns =
      command
          ->add_option("--default-namespace", commands.validate.default_namespace,
                       "namespace of objects that name none")
          ->capture_default_str();
  CLI::Option* const kind =
      command->add_option("--allow-kind", commands.validate.allowed_kinds,
                          "a companion kind that is not allowed by default, such as Role, and is "
                          "by companions.kinds of the agent's configuration; may be repeated");
  command
      ->add_option("--config", commands.validate.config,
                   "the agent's configuration: its namespaces and kinds are those that are allowed")
      ->check(CLI::ExistingFile)
      ->excludes(ns)
      ->excludes(kind);
  command->footer(
      "Exit code: 0 valid (warnings may be printed), 1 invalid, 2 wrong usage.\n\n"
      "Examples:\n  ray-gitops validate clusters/ jobs/nightly.yaml\n"
      "  ray-gitops validate --config agent.yaml clusters/");
  command->callback([&] { commands.chosen = commands.validate; });
}

void add_why(CLI::App& app, Commands& commands) {
  CLI::App* command =
      app.add_subcommand("why", "Say why a cluster that scales has the workers that it has");
  command->add_option("--config", commands.why.config, "the agent's configuration (AgentConfig)")
      ->required();
  command
      ->add_option("OBJECT", commands.why.object,
                   "a RayCluster or one of its pods: name, or namespace/name")
      ->required();
  command->footer(
      "Asks the cluster and the Ray head, decides as the agent would now, and does nothing of it.\n"
      "The agent may be running, and need not.\n\n"
      "Exit code: 0 said why, 1 there is no such cluster or pod, or no answer, 2 wrong usage.\n\n"
      "Examples:\n  ray-gitops why --config agent.yaml elastic\n"
      "  ray-gitops why --config agent.yaml team-a/elastic-small-worker-0");
  command->callback([&] { commands.chosen = commands.why; });
}

void add_hidden(CLI::App& app, Commands& commands) {
  app.add_subcommand("git-worker", "")->group("")->callback([&] {
    commands.chosen = GitWorkerCommand{};
  });
  CLI::App* supervisor = app.add_subcommand("pod-supervisor", "")->group("");
  supervisor->add_option("--state", commands.pod_supervisor.state_directory, "")->required();
  supervisor->callback([&] { commands.chosen = commands.pod_supervisor; });
}

}  // namespace

ParsedCommandLine parse_command_line(int argc, char** argv) {
  CLI::App app{"ray-gitops: Ray on Kubernetes, driven from Git", "ray-gitops"};
  app.require_subcommand(1);
  app.footer("Start with: ray-gitops validate PATH, or scripts/quickstart in the source tree.");
  Commands commands;
  add_agent(app, commands);
  add_local_cluster(app, commands);
  add_check(app, commands);
  add_plan(app, commands);
  add_status(app, commands);
  add_validate(app, commands);
  add_why(app, commands);
  app.add_subcommand("version", "Print the version")->callback([&] {
    commands.chosen = VersionCommand{};
  });
  add_hidden(app, commands);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return {std::nullopt, code == 0 ? k_exit_ok : k_exit_usage};
  }
  return {std::move(commands.chosen), k_exit_ok};
}

}  // namespace ray_gitops::cli
