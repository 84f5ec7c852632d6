#pragma once
// What the engine is told once, at its start.

#include <string>

#include "reconcilers/declaration/permissions.h"
#include "reconcilers/model/time.h"
#include "reconcilers/sync/judge.h"

namespace ray_gitops::engine {

struct StatusOptions {
  bool enabled = true;
  Duration debounce = std::chrono::seconds(5);       // of quiet
  Duration longest_wait = std::chrono::seconds(15);  // since the first change
  int commits_per_hour = 60;
  int burst = 30;
};

struct EngineOptions {
  std::string agent_id;
  std::string agent_ns;    // of the agent's anchor and Lease
  std::string instance;    // this process: the Lease's holder; the same after a restart on its disk
  std::string version;     // of the agent
  std::string repository;  // normalised URL without credentials
  std::string branch;
  std::string default_ns;
  Permissions permissions;  // the namespaces are those that are listed and watched, too
  Duration poll_interval = std::chrono::seconds(10);
  sync::GuardSettings guards;
  StatusOptions status;
};

}  // namespace ray_gitops::engine
