#pragma once
// The rules of GCS fault tolerance. Source: KubeRay v1.7 validation of RayCluster.

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/findings.h"

namespace ray_gitops {

// `spec` is a RayCluster spec at `path`; `metadata` is that of the document.
void check_fault_tolerance(const nlohmann::json& spec, const Path& path,
                           const nlohmann::json& metadata, Findings& findings);

}  // namespace ray_gitops
