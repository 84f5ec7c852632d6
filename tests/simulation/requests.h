#pragma once
// Requests and answers between the engine's actions and the object store.

#include <optional>
#include <string>

#include "agent/local_cluster/store/store.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/result.h"
#include "reconcilers/model/view.h"

namespace ray_gitops::simulation {

local_cluster::ApiRequest render_write(const Action& action);
// nullopt after a Delete whose object is gone.
Result<std::optional<ResourceView>> parse_answer(const Action& action,
                                                 const local_cluster::ApiAnswer& answer);
// What an agent's lists and watches select.
local_cluster::Selection agent_selection(ResourceType type, const std::string& ns,
                                         const std::string& agent_id);

}  // namespace ray_gitops::simulation
