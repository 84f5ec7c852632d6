#pragma once
// What the commands that take an agent's configuration share.

#include <string>

#include "agent/git/git_worker.h"
#include "reconcilers/declaration/agent_config.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::app {

// The file, checked. What is wrong with it is printed to standard error, one line each.
Result<AgentConfig> load_config(const std::string& path);

// $HOME, or "/".
std::string home();
// The folder for this program's caches: below $XDG_CACHE_HOME or ~/.cache. It is not made here.
std::string cache_home();

// The Git child for the configuration's repository, with its credentials.
git::GitWorkerOptions git_options(const AgentConfig& config, const std::string& cache_directory);

// Prints what is wrong and what to do next to standard error. The exit code of a failure.
int complain(const Error& error, const std::string& next);

}  // namespace ray_gitops::app
