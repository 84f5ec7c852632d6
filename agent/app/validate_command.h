#pragma once

#include "agent/cli/command_line.h"

namespace ray_gitops::app {

// `ray-gitops validate`: prints what is wrong, one line each, and a summary. The exit code.
int run_validate(const cli::ValidateCommand& command);

}  // namespace ray_gitops::app
