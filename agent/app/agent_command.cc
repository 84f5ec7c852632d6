#include "agent/app/agent_command.h"

#include <csignal>
#include <cstdio>
#include <random>
#include <string>

#include <unistd.h>

#include "agent/app/config.h"
#include "agent/app/files.h"
#include "agent/app/log_setup.h"
#include "agent/app/runtime.h"
#include "agent/app/runtime_options.h"
#include "agent/kubernetes/connection.h"

namespace ray_gitops::app {
namespace {

std::string cache_directory(const AgentConfig& config) {
  if (!config.cache_directory.empty()) return config.cache_directory;
  return cache_home() + "/" + config.agent_id;
}

// Names this agent's disk in the Lease, so that a restart takes up where the last run was ended,
// however it was ended, and nobody else does.
std::string new_instance() {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  std::random_device random;
  char digits[17] = {};
  std::snprintf(digits, sizeof digits, "%08x", random());
  return std::string(host) + "-" + digits;
}

// A hook may wake the agent before it listens: the signal then waits instead of ending it.
void hold_back_wake_up() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

int run_agent(const cli::AgentCommand& command) {
  hold_back_wake_up();
  set_up_log(command.log);
  const Result<AgentConfig> config = load_config(command.config);
  if (!config) return complain(config.error(), "see docs/agent.md for what it may hold");
  const std::string cache = cache_directory(*config);
  if (const Result<void> made = make_private_directory(cache); !made)
    return complain(made.error(), "set cacheDirectory in the configuration");
  Result<FileLock> lock = FileLock::take(cache + "/instance");
  if (!lock)
    return complain(lock.error(),
                    "an agent with this cache directory is running: end it first, or "
                    "give this one another agentId or cacheDirectory");
  const Result<std::string> instance = lock->read_or_write(new_instance());
  if (!instance) return complain(instance.error(), "is the disk full?");
  Result<kubernetes::Connection> connection = connect_to_cluster(*config);
  if (!connection) return complain(connection.error(), k_connect_hint);
  Runtime runtime(runtime_options(*config, *instance, cache + "/git", std::move(*connection)));
  if (const Result<void> served = runtime.listen(); !served)
    return complain(served.error(), "set metrics.address in the configuration, or leave it out");
  return runtime.run();
}

}  // namespace ray_gitops::app
