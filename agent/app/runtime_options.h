#pragma once
// From the configuration to what the engine and its adapters are told.

#include <string>

#include "agent/app/runtime.h"
#include "agent/kubernetes/connection.h"
#include "reconcilers/declaration/agent_config.h"

namespace ray_gitops::app {

// Through the kubeconfig's proxy-url, or HTTPS_PROXY where NO_PROXY does not say otherwise.
// By cluster.kubeconfig, else $KUBECONFIG, else as a pod of the cluster, else by ~/.kube/config.
Result<kubernetes::Connection> connect_to_cluster(const AgentConfig& config);
// What to do when that fails.
inline constexpr const char* k_connect_hint =
    "set cluster.kubeconfig in the configuration, or KUBECONFIG";

// `instance` names this process where the Lease asks for its holder; `git_cache` is a folder for
// the Git child.
RuntimeOptions runtime_options(const AgentConfig& config, const std::string& instance,
                               const std::string& git_cache, kubernetes::Connection connection);

}  // namespace ray_gitops::app
