#pragma once
// From the configuration to what the engine and its adapters are told.

#include <string>

#include "agent/app/runtime.h"
#include "agent/kubernetes/connection.h"
#include "reconcilers/declaration/agent_config.h"

namespace ray_gitops::app {

// cluster.kubeconfig, $KUBECONFIG or ~/.kube/config.
std::string kubeconfig_path(const AgentConfig& config);

// `instance` names this process where the Lease asks for its holder; `git_cache` is a folder for
// the Git child.
RuntimeOptions runtime_options(const AgentConfig& config, const std::string& instance,
                               const std::string& git_cache, kubernetes::Connection connection);

}  // namespace ray_gitops::app
