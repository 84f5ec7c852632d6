#pragma once

#include "agent/cli/command_line.h"

namespace ray_gitops::app {

// The log as the command line asks for it.
void set_up_log(const cli::LogOptions& options);

}  // namespace ray_gitops::app
