#pragma once
// The semantic rules of RayJob, RayCronJob and RayService documents. Source: KubeRay v1.7
// validation (what needs no feature gate and no live object).

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/findings.h"

namespace ray_gitops {

// `spec` is a RayJob spec at `path` that has passed its schema.
void check_rayjob_spec(const nlohmann::json& spec, const Path& path, const nlohmann::json& metadata,
                       Findings& findings);
void check_raycronjob(const nlohmann::json& document, Findings& findings);

}  // namespace ray_gitops
