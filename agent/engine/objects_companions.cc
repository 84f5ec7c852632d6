// Objects: companions, and who waits for them.
#include <algorithm>

#include "agent/engine/objects.h"
#include "reconcilers/sync/companion.h"

namespace ray_gitops::engine {

Plan Objects::plan_companion(const ObjectKey& key, Record& record, const Choice& choice) {
  const ResourceKey target = sync::companion_resource(key);
  sync::CompanionObserved observed;
  observed.touched = record.companion_touched;
  if (cache_.is_complete(target.type)) {
    const ResourceView* live = cache_.find(target);
    observed.live = Known<std::optional<ObjectMeta>>{
        live == nullptr ? std::nullopt : std::optional(meta_of(*live))};
  }
  if (choice.basis == Basis::Removal) return sync::plan_companion_removal(key, observed);
  if (choice.basis != Basis::Declared) return {};
  Plan plan = sync::reconcile_companion(*record.wish.declared, observed, options_.agent_id);
  const auto refusal = writes_.refusals().find(target);
  if (refusal != writes_.refusals().end() && plan.phase != Phase::Ready) {
    plan.phase = Phase::Degraded;
    plan.reason = "WriteRefused";
    plan.message = describe(refusal->second.error);
  }
  return plan;
}

// Its Namespace, and the ConfigMaps and Secrets beside it, are made first; one that is refused is
// not waited for.
bool Objects::waits_for_companions(const ObjectKey& key) const {
  return std::any_of(records_.begin(), records_.end(), [&](const auto& entry) {
    const auto& [other, record] = entry;
    if (!is_companion(other.kind) || !record.wish.declared) return false;
    const bool concerns = other.kind == Kind::Namespace ? other.name == key.ns : other.ns == key.ns;
    return concerns &&
           (record.status.phase == Phase::Pending || record.status.phase == Phase::Applying);
  });
}

Plan Objects::waiting_for_companions() {
  Plan plan;
  plan.reason = "WaitingForCompanions";
  plan.message = "waits until the companions in its namespace are applied";
  return plan;
}

}  // namespace ray_gitops::engine
