#pragma once

#include "agent/cli/command_line.h"

namespace ray_gitops::app {

// `ray-gitops agent`: until it is asked to end. The exit code.
int run_agent(const cli::AgentCommand& command);

}  // namespace ray_gitops::app
