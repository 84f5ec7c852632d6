#pragma once
// The agent's configuration file: YAML, apiVersion ray-gitops.io/v1alpha1, kind AgentConfig,
// checked as strictly as declarations are (schemas/agent-config.json).

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reconcilers/declaration/permissions.h"
#include "reconcilers/model/diagnostic.h"
#include "reconcilers/model/object_key.h"

namespace ray_gitops {

struct AgentConfig {
  std::string agent_id;  // a DNS label
  std::string agent_namespace = "default";
  std::string default_namespace = "default";
  struct Repository {
    std::string url;  // https://, http://, file:// or an absolute path; without a password
    bool allow_insecure_transport = false;  // true when `url` is http://
    bool allow_local_path = false;          // true when `url` is file:// or an absolute path
    struct Credentials {
      std::string username = "git";
      std::string username_file;             // instead of `username`; "" when left out
      std::string token_file;                // "" when there are no credentials
    } credentials;                           // with https:// and http:// only
    std::string certificate_authority_file;  // with https:// only; "" when left out
    std::string branch = "main";
    std::string path;  // the watched folder without slashes at its ends; "" is the whole repository
    std::int64_t poll_interval_seconds = 10;
  } repository;
  struct Status {
    std::string branch;  // "ray-status/<agent_id>" when left out
    bool enabled = true;
    std::int64_t debounce_seconds = 5;
    std::int64_t max_wait_seconds = 15;
    std::int64_t commits_per_hour = 60;
    std::int64_t burst = 30;
  } status;
  struct Guards {
    std::int64_t objects = 5;
    std::int64_t percent = 30;
  } guards;
  std::set<Kind> companions = default_companions();  // companions.kinds
  // cluster.rayAccess: how Ray heads are reached.
  enum class RayAccess : std::uint8_t { Auto, PodIp, ApiserverProxy };
  RayAccess ray_access = RayAccess::Auto;
  std::string kubeconfig;            // cluster.kubeconfig; "" when left out
  std::set<std::string> namespaces;  // cluster.namespaces; empty: all
  std::string metrics_address;       // metrics.address; "" when left out
  std::string cache_directory;       // "" when left out
};

// What files may hold under this configuration.
Permissions permissions_of(const AgentConfig& config);

struct ParsedAgentConfig {
  std::optional<AgentConfig> config;    // when there is no error
  std::vector<Diagnostic> diagnostics;  // sorted as found; never with a credential in them
};

// `path` is what diagnostics call the file.
ParsedAgentConfig parse_agent_config(std::string_view bytes, const std::string& path);

}  // namespace ray_gitops
