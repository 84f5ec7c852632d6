// Objects: whose turn it is to be looked at and to write, and what becomes of refusals.
#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/engine/objects.h"
#include "reconcilers/manifest/json_members.h"
#include "reconcilers/manifest/labels.h"

namespace ray_gitops::engine {
namespace {

// Of the create of a pod.
std::optional<CreateGroup> create_group(const ObjectKey& owner, const Action& action) {
  if (action.verb != Verb::Create || action.target.type != ResourceType::Pod) return std::nullopt;
  const nlohmann::json& labels = member(action.body.json(), "metadata", "labels");
  return CreateGroup{owner, text_of(member(labels, labels::k_group))};
}

}  // namespace

void Objects::wake_due(Now now) {
  while (!due_.empty() && due_.begin()->first <= now.monotonic) {
    const ObjectKey key = due_.begin()->second;
    look_at(key, records_.at(key), std::nullopt);
    dirty_.insert(key);
  }
}

void Objects::pump(Now now, bool may_write, Effects& effects) {
  wake_due(now);
  if (may_write) take_turns(now, effects);
  for (const ObjectKey& key : std::exchange(dirty_, {})) {
    const auto found = records_.find(key);
    if (found == records_.end()) continue;
    if (found->second.rests_till > now.monotonic) {
      look_at(key, found->second, found->second.rests_till);
      continue;
    }
    // What those that wait have left.
    const std::size_t room = Turns::share(writes_.room(), turns_.size() + 1);
    look(key, may_write ? std::optional(room) : std::nullopt, now, effects);
  }
}

// Each of those that wait gets its share of what room there is.
void Objects::take_turns(Now now, Effects& effects) {
  for (std::size_t waiting = turns_.size(); waiting > 0 && writes_.room() > 0; --waiting) {
    const ObjectKey key = *turns_.next();
    const auto found = records_.find(key);
    if (found == records_.end()) continue;
    if (found->second.rests_till > now.monotonic) {
      look_at(key, found->second, found->second.rests_till);
      turns_.join(key);
      continue;
    }
    dirty_.erase(key);
    look(key, Turns::share(writes_.room(), waiting), now, effects);
  }
}

void Objects::look(const ObjectKey& key, std::optional<std::size_t> room, Now now,
                   Effects& effects) {
  Record& record = records_.at(key);
  look_at(key, record, std::nullopt);
  if (is_gone(key, record)) {
    records_.erase(key);
    turns_.leave(key);
    forget(key);
    publisher_.changed(now, false);
    return;
  }
  record.rests_till = now.monotonic + rest_after_look(key);
  reconcile(key, record, room, now, effects);
}

// A look at a large cluster takes time, and while it grows or shrinks each of its pods brings news
// several times: they are looked at together. Small ones never rest.
Duration Objects::rest_after_look(const ObjectKey& key) const {
  constexpr std::size_t k_pods_of_a_large_cluster = 100;
  constexpr std::size_t k_pods_a_millisecond = 10;
  constexpr Duration k_rest_max = std::chrono::milliseconds(250);
  if (key.kind != Kind::RayCluster) return Duration{0};
  const std::size_t pods = cache_.count_pods_of(key.ns, key.name);
  if (pods < k_pods_of_a_large_cluster) return Duration{0};
  return std::min(k_rest_max, Duration{static_cast<std::int64_t>(pods / k_pods_a_millisecond)});
}

std::map<ResourceKey, Refusal> Objects::refusals_of(const ObjectKey& key) const {
  std::map<ResourceKey, Refusal> refusals;
  for (const ResourceKey& target : targets_.of(key)) {
    const auto refusal = writes_.refusals().find(target);
    if (refusal != writes_.refusals().end()) refusals.insert(*refusal);
  }
  return refusals;
}

std::set<ResourceKey> Objects::creates_of(const ObjectKey& key) const {
  std::set<ResourceKey> creates;
  for (const ResourceKey& target : targets_.of(key))
    if (writes_.is_being_created(target)) creates.insert(target);
  return creates;
}

// When the first of what waits may be sent.
Deadline Objects::send(const ObjectKey& key, const Plan& plan, std::size_t room, Now now,
                       Effects& effects) {
  Deadline next = send_writes(key, plan, room, now, effects);
  for (const RayRequest& request : plan.ray_requests) {
    const ObjectKey topic = Heads::topic_of(key, request);
    heads_.send(topic, request, now, effects);
    next = earlier(next, heads_.may_send_at(topic, request));
  }
  if (key.kind == Kind::RayCluster) autoscaling_.send(key, now, effects);
  return next;
}

// What there is no room for joins the queue of turns. What slow start holds back needs no time to
// come: the answer to what is under way.
Deadline Objects::send_writes(const ObjectKey& key, const Plan& plan, std::size_t room, Now now,
                              Effects& effects) {
  Deadline next;
  std::set<std::string> groups;
  bool wants_room = false;
  for (const Action& action : plan.actions) {
    const std::optional<CreateGroup> group = create_group(key, action);
    if (group) groups.insert(group->group);
    if (!writes_.may_send(action.target, now)) {
      next = earlier(next, writes_.may_send_at(action.target));
      if (writes_.refusals().contains(action.target)) targets_.assign(action.target, key);
      continue;
    }
    if (group && writes_.slow_start_room(*group) == 0) continue;
    wants_room = wants_room || room == 0;
    if (room == 0) continue;
    --room;
    targets_.assign(action.target, key);
    writes_.send(action, now, effects, group);
  }
  writes_.end_slow_starts(key, groups);
  if (wants_room)
    turns_.join(key);
  else
    turns_.leave(key);
  return next;
}

// A name that was taken by what an unanswered create of ours had made has nothing to say any more.
void Objects::forgive_what_we_made(const ObjectKey& key) {
  const ConfigMapView* anchor = is_companion(key.kind) ? nullptr : anchor_of(key);
  if (anchor == nullptr) return;
  for (const auto& [target, refusal] : refusals_of(key)) {
    const ResourceView* live = cache_.find(target);
    if (refusal.error.code != ErrorCode::AlreadyExists || live == nullptr) continue;
    const bool is_ours = target == anchor->meta.key || meta_of(*live).owner_uid == anchor->meta.uid;
    if (!is_ours || meta_of(*live).terminating) continue;
    writes_.forgive(target);
    targets_.erase(target);
  }
}

// A refusal whose delay is over and whose write is no longer planned has nothing to say any more.
Deadline Objects::forget_stale_refusals(const ObjectKey& key, const Plan& plan, Now now) {
  Deadline next;
  for (const auto& [target, refusal] : refusals_of(key)) {
    const auto concerns = [&, &wanted = target](const Action& action) {
      return action.target == wanted;
    };
    // The answer to one under way is still heard.
    if (writes_.is_under_way(target)) continue;
    if (std::any_of(plan.actions.begin(), plan.actions.end(), concerns)) continue;
    if (refusal.retry_at > now.monotonic) {
      next = earlier(next, refusal.retry_at);
      continue;
    }
    writes_.forgive(target);
    targets_.erase(target);
    dirty_.insert(key);
  }
  return next;
}

}  // namespace ray_gitops::engine
