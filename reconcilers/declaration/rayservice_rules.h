#pragma once
// The semantic rules of a RayService document. Source: KubeRay v1.7 validation of RayService, and
// what KubeRay lets through to fail later (a head without a serve port).

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/findings.h"

namespace ray_gitops {

// `document` has passed its schema.
void check_rayservice(const nlohmann::json& document, Findings& findings);

}  // namespace ray_gitops
