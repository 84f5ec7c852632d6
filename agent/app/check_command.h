#pragma once
// `ray-gitops check`: may the agent do what it does?

#include "agent/cli/command_line.h"

namespace ray_gitops::app {

// The exit code. Prints one line for each kind of object.
int run_check(const cli::CheckCommand& command);

}  // namespace ray_gitops::app
