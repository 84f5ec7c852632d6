#include "tests/simulation/api.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/view.h"
#include "tests/simulation/requests.h"

namespace ray_gitops::simulation {
namespace {

using local_cluster::Change;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration k_watch_time = minutes(5);
constexpr Duration k_bookmark_every = minutes(1);
constexpr std::size_t k_short_history = 30;

Error unavailable(std::string why) { return {ErrorCode::Unavailable, std::move(why), {}}; }

Error expired() { return {ErrorCode::Expired, "too old resource version", {}}; }

std::string uid_of(const Document& object) {
  return object.is_null() ? "" : object.json()["metadata"]["uid"].get<std::string>();
}

}  // namespace

local_cluster::StoreKey store_key(const ResourceKey& key) {
  return {plural_of(key.type), key.ns, key.name};
}

std::optional<ResourceView> view_of(const Document& object) {
  if (object.is_null()) return std::nullopt;
  for (const ResourceType type :
       {ResourceType::Namespace, ResourceType::ConfigMap, ResourceType::Secret,
        ResourceType::Service, ResourceType::Pod, ResourceType::Lease}) {
    if (object.json()["kind"] != kind_of(type)) continue;
    Result<ResourceView> view = parse_view(type, object.json());
    return view ? std::optional(std::move(*view)) : std::nullopt;
  }
  return std::nullopt;
}

Api::Api(Core& core)
    : core_(core),
      store_({.uid_seed = 1,
              .history_changes_max = core.faults.short_history
                                         ? k_short_history
                                         : local_cluster::k_history_changes_max,
              .keeps_unsaved = false}) {
  store_.bootstrap(core.timeline.now().wall);
}

Duration Api::trip() { return core_.random.between(milliseconds(1), milliseconds(30)); }

void Api::mutate(const std::function<void(local_cluster::Store&)>& change) {
  change(store_);
  publish_changes();
}

// Hands every change to listeners and watches; the cluster's controllers follow a little later.
void Api::publish_changes() {
  if (store_.revision() == published_) return;
  const auto changes = store_.changes_since(published_);
  published_ = store_.revision();
  if (changes) {
    for (const Change& change : *changes)
      if (on_change) on_change(change);
    for (auto& [id, watch] : watches_) feed(id, watch, *changes);
  }
  if (std::exchange(settling_, true)) return;
  const Duration delay = core_.random.between(milliseconds(1), milliseconds(800));
  core_.timeline.after(delay, [this] {
    settling_ = false;
    mutate([this](local_cluster::Store& store) { store.settle(core_.timeline.now().wall); });
  });
}

void Api::feed(std::uint64_t id, Watch& watch, const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    if (change.revision <= watch.revision) continue;
    watch.revision = change.revision;
    const auto event = local_cluster::event_for(change, watch.selection);
    if (!event) continue;
    const std::optional<ResourceView> view = view_of(event->object);
    if (!view) continue;
    const bool deleted = event->type == local_cluster::ChangeType::Deleted;
    send_event(id, watch, engine::WatchChanged{watch.type, deleted, *view, watch.selection.ns});
  }
}

// In order, each some time after it happened; a watch that has ended delivers nothing more.
void Api::send_event(std::uint64_t id, Watch& watch, engine::Event event) {
  Duration delay = trip();
  const bool stalls = core_.random.chance(core_.faults.watch_slow);
  if (stalls) delay += core_.random.between(seconds(1), seconds(20));
  const Instant now = core_.timeline.instant();
  watch.last_delivery = std::max(watch.last_delivery, now + delay);
  core_.timeline.after(watch.last_delivery - now, [this, id, event = std::move(event)] {
    const auto found = watches_.find(id);
    if (found == watches_.end()) return;
    if (core_.random.chance(core_.faults.watch_cut))
      return end_watch(id, unavailable("the connection broke"));
    const Deliver deliver = found->second.deliver;
    deliver(event);
  });
}

void Api::end_watch(std::uint64_t id, const Error& error) {
  const auto found = watches_.find(id);
  if (found == watches_.end()) return;
  const Watch watch = std::move(found->second);
  watches_.erase(found);
  watch.deliver(engine::WatchEnded{watch.type, error, watch.selection.ns});
}

void Api::start_list(const engine::StartList& effect, const std::string&, const Deliver& deliver) {
  const Duration there = trip();
  core_.timeline.after(there, [this, type = effect.type, ns = effect.ns, deliver] {
    const bool fails = core_.random.chance(core_.faults.list_fails);
    const bool slow = core_.random.chance(core_.faults.answer_late);
    Duration back = trip();
    if (slow) back += core_.random.between(seconds(1), seconds(10));
    engine::ListCompleted list{type, {}, std::to_string(store_.revision()), ns};
    for (const Document& object : store_.list(agent_selection(type, ns, k_agent_id)))
      if (auto view = view_of(object)) list.objects.push_back(std::move(*view));
    engine::Event event = std::move(list);
    if (fails) event = engine::WatchEnded{type, unavailable("the list broke off"), ns};
    core_.timeline.after(back, [deliver, event] { deliver(event); });
  });
}

void Api::start_watch(const engine::StartWatch& effect, const std::string& agent,
                      const Deliver& deliver) {
  const Duration there = trip();
  core_.timeline.after(there, [this, effect, agent, deliver] {
    const auto since = local_cluster::parse_revision(effect.resource_version);
    const auto missed = store_.changes_since(since.value_or(0));
    const bool forgotten = core_.random.chance(core_.faults.watch_expires);
    if (!missed || forgotten) return deliver(engine::WatchEnded{effect.type, expired(), effect.ns});
    const std::uint64_t id = next_watch_++;
    Watch& watch = watches_[id];
    watch = {.agent = agent,
             .type = effect.type,
             .selection = agent_selection(effect.type, effect.ns, k_agent_id),
             .revision = since.value_or(0),
             .last_delivery = {},
             .deliver = deliver};
    feed(id, watch, *missed);
    bookmark_later(id);
    core_.timeline.after(k_watch_time,
                         [this, id] { end_watch(id, unavailable("the server ended the watch")); });
  });
}

void Api::bookmark_later(std::uint64_t id) {
  core_.timeline.after(k_bookmark_every, [this, id] {
    const auto found = watches_.find(id);
    if (found == watches_.end()) return;
    Watch& watch = found->second;
    send_event(
        id, watch,
        engine::WatchBookmark{watch.type, std::to_string(store_.revision()), watch.selection.ns});
    bookmark_later(id);
  });
}

void Api::disconnect(const std::string& agent) {
  std::erase_if(watches_, [&](const auto& entry) { return entry.second.agent == agent; });
}

Result<std::optional<ResourceView>> Api::carry_out(const Action& action, const std::string& agent) {
  WriteSeen seen{.agent = agent,
                 .action = &action,
                 .before = store_.find(store_key(action.target)),
                 .after = {},
                 .http = 0};
  const local_cluster::ApiAnswer answer =
      store_.handle(render_write(action), core_.timeline.now().wall);
  seen.after = store_.find(store_key(action.target));
  seen.http = answer.http;
  if (seen.before.is_null() && !seen.after.is_null()) made_.insert(uid_of(seen.after));
  if (on_write) on_write(seen);
  publish_changes();
  return parse_answer(action, answer);
}

void Api::send_write(const engine::SendWrite& effect, const std::string& agent,
                     const Deliver& deliver) {
  const Faults& faults = core_.faults;
  const std::uint64_t id = effect.write_id;
  const auto answer_after = [this, deliver, id](Duration delay,
                                                Result<std::optional<ResourceView>> object) {
    core_.timeline.after(delay, [deliver, id, object = std::move(object)] {
      deliver(engine::WriteAnswered{id, object});
    });
  };
  const Duration there = trip();
  const Duration back = trip();
  const Duration patience = core_.random.between(milliseconds(50), seconds(10));
  const Duration late = core_.random.between(seconds(1), seconds(20));
  if (core_.random.chance(faults.request_lost))
    return answer_after(patience, fail(ErrorCode::Unavailable, "no connection"));
  if (core_.random.chance(faults.too_many_requests))
    return answer_after(there + back, fail(ErrorCode::TooManyRequests, "the server is busy"));
  const bool is_down = core_.timeline.instant() < core_.outage_ends;
  if (is_down || core_.random.chance(faults.server_error))
    return answer_after(there + back, fail(ErrorCode::Unavailable, "the server answers 500"));
  if (core_.random.chance(faults.effect_late)) {
    answer_after(patience, fail(ErrorCode::Unavailable, "timed out"));
    core_.timeline.after(patience + late, [this, action = effect.action, agent] {
      static_cast<void>(carry_out(action, agent));
    });
    return;
  }
  const bool answer_lost = core_.random.chance(faults.answer_lost);
  const bool answer_late = core_.random.chance(faults.answer_late);
  const Duration return_trip = answer_late ? late : back;
  core_.timeline.after(
      there, [this, action = effect.action, agent, answer_after, answer_lost, return_trip] {
        Result<std::optional<ResourceView>> object = carry_out(action, agent);
        if (answer_lost) object = fail(ErrorCode::Unavailable, "the connection broke");
        answer_after(return_trip, std::move(object));
      });
}

void Api::send_read(const engine::SendRead& effect, const Deliver& deliver) {
  const Duration there = trip();
  core_.timeline.after(there, [this, key = effect.key, deliver] {
    const bool lost = core_.random.chance(core_.faults.answer_lost);
    const bool late = core_.random.chance(core_.faults.answer_late);
    Duration back = trip();
    if (late) back += core_.random.between(seconds(1), seconds(20));
    Result<std::optional<ResourceView>> object = view_of(store_.find(store_key(key)));
    if (lost) object = fail(ErrorCode::Unavailable, "the connection broke");
    core_.timeline.after(back,
                         [deliver, key, object] { deliver(engine::ReadAnswered{key, object}); });
  });
}

}  // namespace ray_gitops::simulation
