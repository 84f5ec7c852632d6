// Objects: companions, and who waits for them.
#include <algorithm>
#include <utility>

#include "agent/engine/objects.h"
#include "reconcilers/sync/companion.h"

namespace ray_gitops::engine {
namespace {

// Whether `companion` is the Namespace of `key`, or beside it there.
bool concerns(const ObjectKey& companion, const ObjectKey& key) {
  return companion.kind == Kind::Namespace ? companion.name == key.ns : companion.ns == key.ns;
}

// Ray objects may refer to every companion, and a companion to those of a lower wave.
bool may_refer_to(const ObjectKey& key, const ObjectKey& companion) {
  return concerns(companion, key) &&
         (!is_companion(key.kind) || companion_wave(companion.kind) < companion_wave(key.kind));
}

}  // namespace

// Only kinds that a file holds, or that we applied, are listed and watched.
void Objects::watch_companions() {
  for (const auto& [key, record] : records_) {
    if (!is_companion(key.kind) || !cache_.reaches(sync::companion_resource(key))) continue;
    const Wish& wish = record.wish;
    if (wish.declared || wish.in_inventory || wish.removal_approved)
      cache_.watch(companion_type(key.kind));
  }
}

// A Service that a cluster owns is none, nor is an anchor.
std::optional<ObjectKey> Objects::companion_of(const ResourceView& view) const {
  const ObjectMeta& meta = meta_of(view);
  const std::optional<Kind> kind = companion_kind(meta.key.type);
  const auto* map = std::get_if<ConfigMapView>(&view);
  if (!kind || !meta.owner_uid.empty() || (map != nullptr && !map->anchor_kind.empty()))
    return std::nullopt;
  const ObjectKey key{*kind, meta.key.ns, meta.key.name};
  return records_.contains(key) ? std::optional(key) : std::nullopt;
}

bool Objects::is_prunable(const ObjectKey& key) const {
  return sync::is_prunable(key, cache_.find(sync::companion_resource(key)));
}

void Objects::note_written_companion(Record& record, const ResourceView& written, Now now) {
  CompanionHistory& history = record.companion;
  history.fields = ownership_of(written).ours;
  if (!std::exchange(history.repairing, false)) return;
  history.repairs.push_back(now.monotonic);
  if (history.repairs.size() > sync::k_repairs_max) history.repairs.erase(history.repairs.begin());
}

sync::CompanionObserved Objects::observe_companion(const ObjectKey& key, const Record& record,
                                                   const Choice& choice) const {
  const ResourceKey target = sync::companion_resource(key);
  const ResourceView* live = cache_.find(target);
  sync::CompanionObserved observed;
  observed.problem = cache_.problem_of(target.type);
  observed.is_prunable = is_prunable(key);
  observed.repairs = record.companion.repairs;
  observed.waits =
      choice.basis == Basis::Removal ? is_left_by_companions(key) : waits_for_companions(key);
  if (!cache_.is_complete(target.type)) {
    observed.live = incomplete(target.type);
    return observed;
  }
  observed.live = Known<std::optional<ObjectMeta>>{live == nullptr ? std::nullopt
                                                                   : std::optional(meta_of(*live))};
  if (live == nullptr) return observed;
  const FieldOwnership fields = ownership_of(*live);
  observed.last_other = fields.last_other;
  observed.touched = record.companion.fields && *record.companion.fields != fields.ours;
  return observed;
}

Plan Objects::plan_companion(const ObjectKey& key, Record& record, const Choice& choice, Now now) {
  if (choice.basis == Basis::Removal)
    return sync::plan_companion_removal(key, observe_companion(key, record, choice));
  if (choice.basis != Basis::Declared) return {};
  const Declaration& declared = *record.wish.declared;
  if (std::exchange(record.companion.repaired_hash, declared.spec_hash) != declared.spec_hash)
    record.companion.repairs.clear();
  Plan plan = sync::reconcile_companion(declared, observe_companion(key, record, choice),
                                        options_.agent_id, now.monotonic);
  if (!plan.actions.empty()) record.companion.repairing = plan.actions.front().force;
  const auto refusal = writes_.refusals().find(sync::companion_resource(key));
  if (refusal != writes_.refusals().end() && plan.phase == Phase::Applying) {
    const bool conflict = refusal->second.error.code == ErrorCode::Conflict;
    plan.phase = Phase::Degraded;
    plan.reason = conflict ? "FieldConflict" : "WriteRefused";
    plan.message = describe(refusal->second.error);
  }
  return plan;
}

// What it may refer to is made first; what is refused is not waited for.
bool Objects::waits_for_companions(const ObjectKey& key) const {
  return std::any_of(records_.begin(), records_.end(), [&](const auto& entry) {
    const auto& [other, record] = entry;
    if (!is_companion(other.kind) || !record.wish.declared || !may_refer_to(key, other))
      return false;
    return record.status.phase == Phase::Pending || record.status.phase == Phase::Applying;
  });
}

// What may refer to it is deleted first; what the cluster does not let us delete is not waited for.
bool Objects::is_left_by_companions(const ObjectKey& key) const {
  return std::any_of(records_.begin(), records_.end(), [&](const auto& entry) {
    const auto& [other, record] = entry;
    if (!is_companion(other.kind) || !record.wish.removal_approved || !may_refer_to(other, key))
      return false;
    const ResourceKey target = sync::companion_resource(other);
    const ResourceView* live = cache_.find(target);
    return live != nullptr && !meta_of(*live).terminating && is_prunable(other) &&
           !writes_.refusals().contains(target);
  });
}

void Objects::wake_who_waits_for(const ObjectKey& companion) {
  for (const auto& [key, record] : records_)
    if (may_refer_to(key, companion)) dirty_.insert(key);
}

// Of companions whose files are gone, too: what is left by this one goes next.
void Objects::wake_whom_it_kept(const ObjectKey& companion) {
  for (const auto& [key, record] : records_)
    if (record.wish.removal_approved && is_companion(key.kind) && may_refer_to(companion, key))
      dirty_.insert(key);
}

// What cannot be seen may be there; what is out of reach is none of our business.
bool Objects::may_be_there(const ObjectKey& companion) const {
  const ResourceKey target = sync::companion_resource(companion);
  if (!cache_.reaches(target)) return false;
  return !cache_.is_complete(target.type) || cache_.find(target) != nullptr;
}

Plan Objects::waiting_for_companions() {
  Plan plan;
  plan.reason = "WaitingForCompanions";
  plan.message = "waits until the companions in its namespace are applied";
  return plan;
}

}  // namespace ray_gitops::engine
