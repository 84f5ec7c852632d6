#include "reconcilers/sync/companion.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/labels.h"

namespace ray_gitops::sync {
namespace {

using Json = nlohmann::json;

Document companion_body(const Declaration& declaration, const std::string& agent_id) {
  Json body = declaration.document.json();
  Json& metadata = body["metadata"];
  if (declaration.key.ns.empty())
    metadata.erase("namespace");
  else
    metadata["namespace"] = declaration.key.ns;
  metadata["labels"][labels::k_agent] = agent_id;
  metadata["annotations"][labels::k_desired_hash] = declaration.spec_hash;
  return Document{std::move(body)};
}

Plan say(Phase phase, std::string reason, std::string message) {
  Plan plan;
  plan.phase = phase;
  plan.reason = std::move(reason);
  plan.message = std::move(message);
  return plan;
}

Plan say_unknown(const CompanionObserved& observed) {
  if (!observed.problem) return say(Phase::Pending, "NotYetKnown", observed.live.why());
  return say(Phase::Degraded, "CannotBeRead",
             "objects of its kind cannot be listed: " + describe(*observed.problem));
}

std::string minutes_of(Duration time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::minutes>(time).count()) +
         " minutes";
}

Plan leave_alone(const CompanionObserved& observed, Instant until) {
  const std::string who = observed.last_other.empty() ? "somebody" : observed.last_other;
  Plan plan =
      say(Phase::Degraded, "FieldsFoughtOver",
          "field manager " + who + " changes it back each time: repaired " +
              std::to_string(k_repairs_max) + " times within " + minutes_of(k_repairs_window) +
              "; it is left alone for a while: leave these fields out of the file, or "
              "make " +
              who + " leave them");
  plan.next_look_at = until;
  return plan;
}

std::string why_applied(const std::optional<ObjectMeta>& live, bool repair,
                        const CompanionObserved& observed) {
  if (!live) return "it is declared and missing";
  if (!repair) return "it differs from its file";
  return (observed.last_other.empty() ? "somebody else" : "field manager " + observed.last_other) +
         " changed it";
}

}  // namespace

ResourceKey companion_resource(const ObjectKey& key) {
  return {companion_type(key.kind), key.ns, key.name};
}

bool is_prunable(const ObjectKey& key, const ResourceView* live) {
  if (key.kind == Kind::Namespace) return false;
  if (key.kind != Kind::PersistentVolumeClaim) return true;
  const auto* claim = live == nullptr ? nullptr : std::get_if<CompanionView>(live);
  return claim != nullptr && claim->may_be_pruned;
}

std::optional<Instant> fight_pause(const std::vector<Instant>& repairs, Instant now) {
  if (repairs.size() < k_repairs_max) return std::nullopt;
  const Instant first = repairs[repairs.size() - k_repairs_max];
  const Instant until = repairs.back() + k_repairs_window;
  const bool fast = repairs.back() - first <= k_repairs_window;
  return fast && now < until ? std::optional(until) : std::nullopt;
}

Plan reconcile_companion(const Declaration& declaration, const CompanionObserved& observed,
                         const std::string& agent_id, Instant now) {
  if (!observed.live.is_known()) return say_unknown(observed);
  const std::optional<ObjectMeta>& live = observed.live.value();
  if (live && !live->owner_uid.empty())
    return say(Phase::Blocked, "NameTaken",
               to_string(live->key) + " belongs to another object; give this one another name");
  const bool current = live && !live->terminating && live->desired_hash == declaration.spec_hash;
  if (current && !observed.touched) return say(Phase::Ready, "Applied", "applied as written");
  if (live && live->terminating)
    return say(Phase::Progressing, "Leaving",
               "it is being deleted; it is applied again once that is done");
  if (observed.waits)
    return say(Phase::Pending, "WaitingForCompanions",
               "waits until the companions that it may refer to are applied");
  if (const auto until = fight_pause(observed.repairs, now); current && until)
    return leave_alone(observed, *until);
  const std::string reason = why_applied(live, current, observed);
  Plan plan = say(Phase::Applying, "Applying", reason);
  plan.actions.push_back({.verb = Verb::Apply,
                          .target = companion_resource(declaration.key),
                          .body = companion_body(declaration, agent_id),
                          .preconditions = {},
                          .wave = companion_wave(declaration.key.kind),
                          .reason = reason,
                          .force = current});
  return plan;
}

Plan plan_companion_removal(const ObjectKey& key, const CompanionObserved& observed) {
  Plan plan = say(Phase::Removing, "FileRemoved",
                  to_string(key) + " is no longer in the repository; it is deleted");
  const bool stays = key.kind == Kind::Namespace || !observed.is_prunable;
  if (!observed.live.is_known() || stays || observed.waits) return plan;
  const std::optional<ObjectMeta>& live = observed.live.value();
  if (live && !live->terminating && live->owner_uid.empty())
    plan.actions.push_back({.verb = Verb::Delete,
                            .target = live->key,
                            .body = {},
                            .preconditions = {.uid = live->uid, .resource_version = {}},
                            .wave = -companion_wave(key.kind),
                            .reason = "its file is gone"});
  return plan;
}

}  // namespace ray_gitops::sync
