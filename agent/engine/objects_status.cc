// Objects: what the status says of them, and when that is news.
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/engine/objects.h"

namespace ray_gitops::engine {
namespace {

bool says_the_same(const status::ObjectStatus& left, const status::ObjectStatus& right) {
  const auto said = [](const status::ObjectStatus& status) {
    return std::tie(status.phase, status.reason, status.message, status.next, status.declared.path,
                    status.declared.line, status.declared.commit, status.declared_hash,
                    status.applied_commit, status.applied_path, status.applied_hash);
  };
  return said(left) == said(right) && left.conditions == right.conditions && left.ray == right.ray;
}

Document with_scaling(const Document& ray, const Document& scaling) {
  if (scaling.is_null() || !ray.json().is_object()) return ray;
  nlohmann::json facts = ray.json();
  facts["autoscaling"] = scaling.json();
  return Document{std::move(facts)};
}

}  // namespace

void Objects::note(const ObjectKey& key, Record& record, const Choice& choice, const Plan& plan,
                   Now now, Effects& effects) {
  if (plan.phase == Phase::Ready) record.was_ready = true;
  if (plan.reason == "DocumentChanged" || plan.reason == "CreatingAnchor") record.was_ready = false;
  status::ObjectStatus status = describe_object(key, record, choice, plan);
  const status::ObjectStatus& before = record.status;
  const bool phase_changed = before.phase != status.phase || before.reason != status.reason;
  status.since = phase_changed ? now.wall : before.since;
  if (says_the_same(before, status)) return;
  const bool bad = status.phase == Phase::Failed || status.phase == Phase::Degraded ||
                   status.phase == Phase::Blocked;
  if (phase_changed)
    log(effects, bad ? LogLevel::Warning : LogLevel::Info, "object",
        {{"object", to_string(key)},
         {"phase", name_of(status.phase)},
         {"reason", status.reason},
         {"message", status.message}});
  record.status = std::move(status);
  publisher_.changed(now, bad && phase_changed);
  if (is_companion(key.kind) && phase_changed) wake_who_waits_for(key);
}

status::ObjectStatus Objects::describe_object(const ObjectKey& key, const Record& record,
                                              const Choice& choice, const Plan& plan) const {
  status::ObjectStatus status;
  status.key = key;
  status.declared = record.wish.place;
  if (record.wish.declared) status.declared_hash = record.wish.declared->spec_hash;
  const ConfigMapView* anchor = is_companion(key.kind) ? nullptr : anchor_of(key);
  if (anchor != nullptr) {
    status.applied_commit = anchor->commit;
    status.applied_path = anchor->path;
    status.applied_hash = anchor->spec_hash;
    // A commit that does not change this object is not its commit.
    if (status.applied_hash == status.declared_hash) status.declared.commit = anchor->commit;
  } else if (is_companion(key.kind)) {
    status.declared.commit.clear();
  }
  status.phase = plan.phase;
  status.reason = plan.reason.empty() ? "NotYetKnown" : plan.reason;
  status.message = plan.message;
  status.conditions = plan.conditions;
  status.ray = with_scaling(plan.ray, autoscaling_.summary_of(scaled_cluster(key, plan.ray)));
  if (record.wish.declared)
    for (const Diagnostic& warning : record.wish.declared->warnings)
      status.conditions.push_back({"FieldsSupported", false, warning.rule, to_string(warning)});
  if (choice.overlay) {
    status.phase = choice.overlay->phase;
    status.reason = choice.overlay->reason;
    status.message = choice.overlay->message;
    status.next = choice.overlay->next;
  }
  return status;
}

// Whose scaling the status of `key` tells: of a job or a service that of the cluster made for it.
ObjectKey Objects::scaled_cluster(const ObjectKey& key, const Document& ray) const {
  if (!is_parent(key.kind) || !ray.json().is_object()) return key;
  const ObjectKey cluster{Kind::RayCluster, key.ns, ray.json().value("cluster", std::string{})};
  return is_child(anchor_of(cluster)) ? cluster : key;
}

// A cluster that was made for a job or a service is told of there.
bool Objects::is_shown(const ObjectKey& key, const Record& record) const {
  const bool unasked = !is_companion(key.kind) && is_child(anchor_of(key)) && !record.wish.declared;
  return !record.status.reason.empty() && !unasked;
}

std::vector<status::ObjectStatus> Objects::statuses(Now now) {
  std::vector<status::ObjectStatus> list;
  for (const auto& [key, record] : records_) {
    if (!is_shown(key, record)) continue;
    list.push_back(record.status);
    publisher_.stamp(list.back(), now);
  }
  return list;
}

std::map<std::pair<Kind, Phase>, std::size_t> Objects::count_by_phase() const {
  std::map<std::pair<Kind, Phase>, std::size_t> counts;
  for (const auto& [key, record] : records_)
    if (is_shown(key, record)) ++counts[{key.kind, record.status.phase}];
  return counts;
}

}  // namespace ray_gitops::engine
