#include "reconcilers/sync/companion.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/model/check.h"

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

}  // namespace

ResourceKey companion_resource(const ObjectKey& key) {
  CHECK(is_companion(key.kind));
  const ResourceType type = key.kind == Kind::Namespace   ? ResourceType::Namespace
                            : key.kind == Kind::ConfigMap ? ResourceType::ConfigMap
                                                          : ResourceType::Secret;
  return {type, key.ns, key.name};
}

Plan reconcile_companion(const Declaration& declaration, const CompanionObserved& observed,
                         const std::string& agent_id) {
  if (!observed.live.is_known()) return say(Phase::Pending, "NotYetKnown", observed.live.why());
  const std::optional<ObjectMeta>& live = observed.live.value();
  const bool current = live && !live->terminating && live->desired_hash == declaration.spec_hash;
  if (current && !observed.touched) return say(Phase::Ready, "Applied", "applied as written");
  if (live && live->terminating)
    return say(Phase::Progressing, "Leaving",
               "it is being deleted; it is applied again once that is done");
  const std::string reason = !live              ? "it is declared and missing"
                             : observed.touched ? "somebody else changed it"
                                                : "it differs from its file";
  Plan plan = say(Phase::Applying, "Applying", reason);
  plan.actions.push_back({.verb = Verb::Apply,
                          .target = companion_resource(declaration.key),
                          .body = companion_body(declaration, agent_id),
                          .preconditions = {},
                          .wave = 0,
                          .reason = reason});
  return plan;
}

Plan plan_companion_removal(const ObjectKey& key, const CompanionObserved& observed) {
  Plan plan = say(Phase::Removing, "FileRemoved",
                  to_string(key) + " is no longer in the repository; it is deleted");
  if (!observed.live.is_known() || key.kind == Kind::Namespace) return plan;
  const std::optional<ObjectMeta>& live = observed.live.value();
  if (live && !live->terminating)
    plan.actions.push_back({.verb = Verb::Delete,
                            .target = live->key,
                            .body = {},
                            .preconditions = {.uid = live->uid, .resource_version = {}},
                            .wave = 0,
                            .reason = "its file is gone"});
  return plan;
}

}  // namespace ray_gitops::sync
