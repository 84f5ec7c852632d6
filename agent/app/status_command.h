#pragma once

#include "agent/cli/command_line.h"

namespace ray_gitops::app {

// `ray-gitops status`: prints what the status branch says. The exit code.
int run_status(const cli::StatusCommand& command);

}  // namespace ray_gitops::app
