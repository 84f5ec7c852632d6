#pragma once
// Companion manifests: what stands beside Ray files (object_key.h has the table of their kinds).
// They are applied as written, with our labels, and pruned by the agent's inventory.

#include <optional>
#include <string>
#include <vector>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/fact.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/time.h"
#include "reconcilers/model/view.h"

namespace ray_gitops::sync {

// A companion that somebody else changes back each time is repaired this often,
inline constexpr std::size_t k_repairs_max = 5;
// within this time; then it is left alone until that is over.
inline constexpr Duration k_repairs_window = std::chrono::minutes(10);

ResourceKey companion_resource(const ObjectKey& key);

// Whether the removal of its file removes it: never a Namespace, and a PersistentVolumeClaim, whose
// end is the end of its data, only with the annotation ray-gitops.io/prune. `live`: null when it is
// not known or not there.
bool is_prunable(const ObjectKey& key, const ResourceView* live);

struct CompanionObserved {
  // Among the objects that carry the agent's label. One that a controller owns is not the
  // companion, but something that was made for another object: it is neither written nor deleted.
  Fact<std::optional<ObjectMeta>> live;
  // Our field manager does not own what it owned after we last applied it: somebody changed that.
  bool touched = false;
  std::string last_other;        // the field manager that wrote last beside us, or ""
  std::vector<Instant> repairs;  // of this generation, oldest first; the last k_repairs_max suffice
  std::optional<Error> problem;  // why its list cannot be read, while it was never complete
  bool waits = false;            // for companions of a lower wave; of a removal: of a higher one
  bool is_prunable = true;       // see above
};

// What we owned is taken back from whoever changed it (forced: the desired hash on the live object
// says that we had applied this very document, so that every field of it was ours), until that is a
// fight. Fields that never were ours are never forced: the cluster refuses, naming their manager.
Plan reconcile_companion(const Declaration& declaration, const CompanionObserved& observed,
                         const std::string& agent_id, Instant now);

// Its file is gone and the removal is approved.
Plan plan_companion_removal(const ObjectKey& key, const CompanionObserved& observed);

// Until when the object is left alone; nullopt: it is no fight.
std::optional<Instant> fight_pause(const std::vector<Instant>& repairs, Instant now);

}  // namespace ray_gitops::sync
