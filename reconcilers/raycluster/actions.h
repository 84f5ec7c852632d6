#pragma once
// What the decisions about a cluster share: parts of plans.

#include <optional>
#include <string>
#include <vector>

#include "reconcilers/model/plan.h"
#include "reconcilers/model/view.h"
#include "reconcilers/raycluster/observed.h"

namespace ray_gitops::raycluster {

enum Wave : int { k_wave_anchor = 0, k_wave_leaving = 1, k_wave_head = 2, k_wave_workers = 3 };

// Why nothing can be decided; nullopt when all facts are known.
std::optional<std::string> first_unknown(const ClusterObserved& observed);
// Without actions, and not Ready.
Plan stopped_plan(Phase phase, std::string reason, std::string message);
void look_again_at(Plan& plan, std::optional<Instant> when);
Action delete_action(const ObjectMeta& meta, Wave wave, std::string reason);
void sort_actions(std::vector<Action>& actions);
// What keeps a write from being done is what there is to say.
void report_refusal(Plan& plan, Phase phase, const ClusterObserved& observed);

}  // namespace ray_gitops::raycluster
