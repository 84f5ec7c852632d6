#pragma once
// The semantic rules of a RayCluster spec, wherever it stands. Source: KubeRay v1.7 validation of
// RayCluster (those that need no feature gate), and what KubeRay lets through to fail later.

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/findings.h"

namespace ray_gitops {

inline constexpr std::int64_t k_workers_max = 20'000;  // of one cluster, as declared
inline constexpr std::int64_t k_hosts_max = 4'096;     // of one replica

enum class ClusterOwner : std::uint8_t { None, Job, Service };

// `spec` has passed its schema; `metadata` is that of the document (its annotations count).
void check_raycluster_spec(const nlohmann::json& spec, const Path& path,
                           const nlohmann::json& metadata, ClusterOwner owner, Findings& findings);

}  // namespace ray_gitops
