#pragma once
// Companion manifests: Namespaces, ConfigMaps and Secrets that stand beside Ray files. They are
// applied as written, with our labels, and pruned by the agent's inventory.

#include <optional>
#include <string>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/fact.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/view.h"

namespace ray_gitops::sync {

ResourceKey companion_resource(const ObjectKey& key);

struct CompanionObserved {
  Fact<std::optional<ObjectMeta>> live;  // among the objects that carry the agent's label
  // Somebody else wrote to it since we last applied it: apply again (which writes nothing when our
  // fields still are as we want them).
  bool touched = false;
};

Plan reconcile_companion(const Declaration& declaration, const CompanionObserved& observed,
                         const std::string& agent_id);

// Its file is gone and the removal is approved. A Namespace is never deleted.
Plan plan_companion_removal(const ObjectKey& key, const CompanionObserved& observed);

}  // namespace ray_gitops::sync
