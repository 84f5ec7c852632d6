#include "agent/review/recorder.h"

#include <algorithm>
#include <utility>

#include "reconcilers/manifest/anchor.h"

namespace ray_gitops::review {

void Recorder::begin(const ImaginedCluster& cluster) {
  for (const ObjectKey& key : cluster.subjects())
    if (!records_.contains(key)) before_.insert(key);
}

void Recorder::note_write(const ObjectKey& subject, const Action& action,
                          const ResourceView& view) {
  Record& record = records_[subject];
  Action bare = action;
  bare.body = {};
  record.deeds.emplace_back(std::move(bare));
  note_name(view);
  const auto* pod = std::get_if<PodView>(&view);
  if (pod == nullptr) return;
  Pods& pods = record.pods[{pod->cluster, pod->group}];
  pods.made += action.verb == Verb::Create ? 1 : 0;
  pods.deleted += action.verb == Verb::Delete ? 1 : 0;
}

void Recorder::note_request(const ObjectKey& subject, const RayRequest& request) {
  RayRequest bare = request;
  bare.body = {};
  records_[subject].deeds.emplace_back(std::move(bare));
}

void Recorder::note_name(const ResourceView& view) {
  const auto* map = std::get_if<ConfigMapView>(&view);
  if (map == nullptr || !is_imagined(map->meta.owner_uid)) return;
  if (const auto parent = anchored_parent(*map))
    nameless_[map->anchor_name] = parent->name + "-*****";
}

void Recorder::note_statuses(const status::StatusFacts& facts) {
  Statuses statuses = by_key(facts);
  for (const auto& [key, record] : records_) {
    const auto [noted, is_new] = first_.try_emplace(key);
    if (!is_new) continue;
    noted->second = std::move(statuses[key]);
    noted->second.key = key;
  }
}

Recorder::Statuses Recorder::by_key(const status::StatusFacts& facts) {
  Statuses statuses;
  for (const status::ObjectStatus& status : facts.objects) statuses[status.key] = status;
  return statuses;
}

std::string Recorder::shown(std::string text) const {
  for (const auto& [name, instead] : nameless_) {
    std::size_t at = text.find(name);
    for (; at != std::string::npos; at = text.find(name, at + instead.size()))
      text.replace(at, name.size(), instead);
  }
  return text;
}

Report Recorder::finish(const status::StatusFacts& facts, const ImaginedCluster& cluster) const {
  Report report;
  report.agent_id = facts.agent_id;
  report.commit = facts.observed_commit;
  report.hold_id = facts.hold_id;
  report.hold_message = facts.hold_message;
  report.problem = facts.source_problem;
  report.diagnostics = facts.diagnostics;
  const Statuses after = by_key(facts);
  const std::set<ObjectKey> left = cluster.subjects();
  std::set<ObjectKey> keys;
  for (const auto& [key, status] : after) keys.insert(key);
  for (const auto& [key, record] : records_) keys.insert(key);
  for (const ObjectKey& key : keys)
    report.objects.push_back(plan_of(key, after, left.contains(key)));
  return report;
}

ObjectPlan Recorder::plan_of(const ObjectKey& key, const Statuses& after, bool exists) const {
  ObjectPlan plan;
  plan.now.key = key;
  const auto last = after.find(key);
  if (const auto first = first_.find(key); first != first_.end())
    plan.now = first->second;
  else if (last != after.end())
    plan.now = last->second;
  plan.now.message = shown(plan.now.message);
  if (last != after.end()) {
    plan.left_in = last->second.phase;
    plan.left_reason = last->second.reason;
    plan.left_message = shown(last->second.message);
  }
  const auto record = records_.find(key);
  if (record == records_.end()) return plan;
  for (const Deed& deed : record->second.deeds) plan.deeds.push_back(shown(deed));
  const bool existed = before_.contains(key);
  plan.change = existed && !exists ? Change::Delete : !existed ? Change::Create : Change::Change;
  for (const auto& [group, pods] : record->second.pods)
    plan.restarts += std::min(pods.made, pods.deleted);
  return plan;
}

Deed Recorder::shown(Deed deed) const {
  if (auto* action = std::get_if<Action>(&deed)) {
    action->target.name = shown(std::move(action->target.name));
    action->reason = shown(std::move(action->reason));
  } else {
    auto& request = std::get<RayRequest>(deed);
    request.cluster = shown(std::move(request.cluster));
    request.reason = shown(std::move(request.reason));
  }
  return deed;
}

}  // namespace ray_gitops::review
