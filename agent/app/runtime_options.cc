#include "agent/app/runtime_options.h"

#include <utility>

#include "agent/app/config.h"
#include "agent/app/files.h"
#include "agent/app/version.h"

namespace ray_gitops::app {
namespace {

engine::EngineOptions engine_options(const AgentConfig& config, const std::string& instance) {
  const auto seconds = [](std::int64_t count) { return std::chrono::seconds(count); };
  return {.agent_id = config.agent_id,
          .agent_ns = config.agent_namespace,
          .instance = instance,
          .version = k_version,
          .repository = config.repository.url + "#" + config.repository.branch,
          .branch = config.repository.branch,
          .default_ns = config.default_namespace,
          .permissions = permissions_of(config),
          .poll_interval = seconds(config.repository.poll_interval_seconds),
          .guards = {.objects = static_cast<int>(config.guards.objects),
                     .percent = static_cast<int>(config.guards.percent)},
          .status = {.enabled = config.status.enabled,
                     .debounce = seconds(config.status.debounce_seconds),
                     .longest_wait = seconds(config.status.max_wait_seconds),
                     .commits_per_hour = static_cast<int>(config.status.commits_per_hour),
                     .burst = static_cast<int>(config.status.burst)}};
}

Result<kubernetes::Connection> find_cluster(const AgentConfig& config) {
  const std::string named = environment_or("KUBECONFIG", "");
  if (!config.kubeconfig.empty()) return kubernetes::load_kubeconfig(config.kubeconfig);
  if (!named.empty()) return kubernetes::load_kubeconfig(named);
  const kubernetes::PodIdentity pod{environment_or("KUBERNETES_SERVICE_HOST", ""),
                                    environment_or("KUBERNETES_SERVICE_PORT", ""),
                                    kubernetes::k_service_account_folder};
  auto connection = kubernetes::in_cluster_connection(pod);
  if (connection || connection.error().code != ErrorCode::NotFound) return connection;
  return kubernetes::load_kubeconfig(home() + "/.kube/config");
}

ray::RayAccess ray_access_of(const AgentConfig& config) {
  switch (config.ray_access) {
    case AgentConfig::RayAccess::Auto:
      return ray::RayAccess::Auto;
    case AgentConfig::RayAccess::PodIp:
      return ray::RayAccess::PodIp;
    case AgentConfig::RayAccess::ApiserverProxy:
      return ray::RayAccess::ApiserverProxy;
  }
  return ray::RayAccess::Auto;
}

// Both spellings are in use; curl and Go take the lower one first.
std::string proxy_variable(const char* lower, const char* upper) {
  return environment_or(lower, environment_or(upper, ""));
}

}  // namespace

Result<kubernetes::Connection> connect_to_cluster(const AgentConfig& config) {
  kubernetes::Connection connection = TRY(find_cluster(config));
  kubernetes::use_proxy(connection, proxy_variable("https_proxy", "HTTPS_PROXY"),
                        proxy_variable("no_proxy", "NO_PROXY"));
  return connection;
}

RuntimeOptions runtime_options(const AgentConfig& config, const std::string& instance,
                               const std::string& git_cache, kubernetes::Connection connection) {
  RuntimeOptions options;
  options.engine = engine_options(config, instance);
  options.git = git_options(config, git_cache);
  options.source = {.branch = config.repository.branch,
                    .status_branch = config.status.branch,
                    .folder = config.repository.path};
  options.report = report::default_report_options(config.agent_id);
  options.report.branch = config.status.branch;
  options.kubernetes = {.connection = std::move(connection),
                        .agent_id = config.agent_id,
                        .user_agent = std::string("ray-gitops/") + k_version};
  options.metrics_address = config.metrics_address;
  options.ray.access = ray_access_of(config);
  options.ray.user_agent = options.kubernetes.user_agent;
  options.gcs.user_agent = options.kubernetes.user_agent;
  return options;
}

}  // namespace ray_gitops::app
