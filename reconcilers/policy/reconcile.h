#pragma once
// AutoscalerPolicies: of the cluster's objects each has its anchor only, so that it holds while its
// file cannot be read. What it says is acted on by reconcilers/autoscaler.

#include <map>
#include <optional>
#include <string>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/document.h"
#include "reconcilers/model/fact.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/refusal.h"
#include "reconcilers/model/time.h"
#include "reconcilers/model/view.h"

namespace ray_gitops {

struct PolicyObserved {
  Fact<std::optional<ConfigMapView>> anchor;
  std::map<ResourceKey, Refusal> refusals;
  Document summary;                     // autoscaler::Fleet::summary
  std::optional<WallTime> next_change;  // of what it says, by time alone
};

}  // namespace ray_gitops

namespace ray_gitops::policy {

Plan reconcile(const Declaration& declaration, const PolicyObserved& observed,
               const std::string& agent_id, Now now);

// Its file is gone.
Plan plan_removal(const ObjectKey& key, const PolicyObserved& observed, const std::string& agent_id,
                  Now now);

}  // namespace ray_gitops::policy
