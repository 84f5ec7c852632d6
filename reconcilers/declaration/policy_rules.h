#pragma once
// The semantic rules of AutoscalerPolicy documents.

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/findings.h"
#include "reconcilers/declaration/path.h"

namespace ray_gitops {

void check_policy_spec(const nlohmann::json& spec, const Path& path, Findings& findings);

}  // namespace ray_gitops
