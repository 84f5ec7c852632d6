#pragma once

#include "agent/cli/command_line.h"

namespace ray_gitops::app {

// `ray-gitops plan`: prints what the agent would do, and does nothing of it. The exit code.
int run_plan(const cli::PlanCommand& command);

}  // namespace ray_gitops::app
