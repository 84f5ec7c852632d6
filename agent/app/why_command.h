#pragma once

#include "agent/cli/command_line.h"

namespace ray_gitops::app {

// The exit code: 0 said why, 1 there is no such cluster or pod, or no answer, 2 wrong usage.
int run_why(const cli::WhyCommand& command);

}  // namespace ray_gitops::app
