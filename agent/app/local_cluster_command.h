#pragma once

#include "agent/cli/command_line.h"

namespace ray_gitops::app {

// `ray-gitops local-cluster`: until it is asked to end. The exit code.
int run_local_cluster(const cli::LocalClusterCommand& command);

}  // namespace ray_gitops::app
