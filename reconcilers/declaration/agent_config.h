#pragma once
// The agent's configuration file: YAML, apiVersion ray-gitops.io/v1alpha1, kind AgentConfig,
// checked as strictly as declarations are (schemas/agent-config.json).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconcilers/model/diagnostic.h"

namespace ray_gitops {

struct AgentConfig {
  std::string agent_id;  // a DNS label
  std::string agent_namespace = "default";
  std::string default_namespace = "default";
  struct Repository {
    std::string url;  // file://, an absolute path, https:// or http://; without a password
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
  std::string kubeconfig;       // cluster.kubeconfig; "" when left out
  std::string cache_directory;  // "" when left out
};

struct ParsedAgentConfig {
  std::optional<AgentConfig> config;    // when there is no error
  std::vector<Diagnostic> diagnostics;  // sorted as found; never with a credential in them
};

// `path` is what diagnostics call the file.
ParsedAgentConfig parse_agent_config(std::string_view bytes, const std::string& path);

}  // namespace ray_gitops
