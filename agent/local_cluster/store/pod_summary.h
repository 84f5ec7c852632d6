#pragma once
// A pod in one line, by the rules of kubectl's STATUS column.

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "reconcilers/model/time.h"

namespace ray_gitops::local_cluster {

struct PodSummary {
  std::string status;  // Running, CrashLoopBackOff, Init:0/1, Terminating, ...
  std::int64_t ready_containers = 0;
  std::int64_t containers = 0;
  std::int64_t restarts = 0;
  std::optional<WallTime> last_restart;
};

PodSummary summarize_pod(const nlohmann::json& pod);

}  // namespace ray_gitops::local_cluster
