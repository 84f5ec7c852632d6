#pragma once
// From a valid AutoscalerPolicy document to its typed fields.

#include <nlohmann/json.hpp>

#include "reconcilers/model/declaration.h"

namespace ray_gitops {

AutoscalerPolicySpec make_policy_spec(const nlohmann::json& document);

}  // namespace ray_gitops
