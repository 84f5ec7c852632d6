#pragma once
// ServiceState as JSON (docs/formats.md, "Clusters of a service").

#include <nlohmann/json.hpp>

#include "reconcilers/model/result.h"
#include "reconcilers/model/service_state.h"

namespace ray_gitops {

nlohmann::json service_state_json(const ServiceState& state);
// InvalidInput names the first member that cannot be read.
Result<ServiceState> parse_service_state(const nlohmann::json& json);

}  // namespace ray_gitops
