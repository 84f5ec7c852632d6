#include "agent/review/imagined_cluster.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/manifest/json_members.h"
#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/view.h"

namespace ray_gitops::review {
namespace {

std::uint64_t number_of(const std::string& resource_version) {
  std::uint64_t number = 0;
  std::from_chars(resource_version.data(), resource_version.data() + resource_version.size(),
                  number);
  return number;
}

ObjectMeta& meta_in(ResourceView& view) {
  return std::visit([](auto& object) -> ObjectMeta& { return object.meta; }, view);
}

// The view as an anchor; null when it is none.
const ConfigMapView* anchor_in(const ResourceView& view) {
  const auto* map = std::get_if<ConfigMapView>(&view);
  return map != nullptr && !map->anchor_kind.empty() ? map : nullptr;
}

// Of a partial body: the one label that is applied to pods that live.
bool serves_in(const nlohmann::json& body) {
  return text_of(member(body, "metadata", "labels", labels::k_serve)) == "true";
}

}  // namespace

bool is_imagined(const std::string& uid) { return uid.starts_with(k_imagined); }

void ImaginedCluster::learn(engine::ListCompleted& list) {
  version_ = std::max(version_, number_of(list.resource_version));
  std::erase_if(list.objects, [](const ResourceView& view) { return meta_of(view).terminating; });
  for (const ResourceView& view : list.objects) {
    version_ = std::max(version_, number_of(meta_of(view).resource_version));
    store(view);
  }
}

Result<std::optional<ResourceView>> ImaginedCluster::carry_out(const Action& action,
                                                               std::vector<engine::Event>& told) {
  const ResourceView* live = find(action.target);
  const std::string where = to_string(action.target);
  if (live == nullptr && (action.verb == Verb::Delete || action.verb == Verb::Replace))
    return fail(ErrorCode::NotFound, "there is no such object", where);
  if (live != nullptr && action.verb == Verb::Create)
    return fail(ErrorCode::AlreadyExists, "the name is taken", where);
  if (live != nullptr && !action.preconditions.uid.empty() &&
      action.preconditions.uid != meta_of(*live).uid)
    return fail(ErrorCode::Conflict, "it is another object now", where);
  if (action.verb == Verb::Delete) {
    erase(action.target, told);
    return std::optional<ResourceView>{};
  }
  ResourceView view = TRY(make(action, live));
  store(view);
  return std::optional<ResourceView>{std::move(view)};
}

Result<ResourceView> ImaginedCluster::make(const Action& action, const ResourceView* live) {
  const std::string version = std::to_string(++version_);
  const auto* pod = live == nullptr ? nullptr : std::get_if<PodView>(live);
  if (pod != nullptr) {
    PodView labelled = *pod;
    labelled.meta.resource_version = version;
    labelled.serves = serves_in(action.body.json());
    return ResourceView{std::move(labelled)};
  }
  nlohmann::json body = action.body.json();
  body["metadata"]["uid"] =
      live == nullptr ? k_imagined + std::to_string(++made_) : meta_of(*live).uid;
  body["metadata"]["resourceVersion"] = version;
  ResourceView view = TRY(parse_view(action.target.type, body));
  if (auto* made = std::get_if<PodView>(&view)) {
    made->phase = PodPhase::Running;
    made->ready = true;
    made->ip = made->meta.uid;
  }
  return view;
}

void ImaginedCluster::store(ResourceView view) {
  const ObjectMeta& meta = meta_of(view);
  by_uid_[meta.uid] = meta.key;
  if (!meta.owner_uid.empty()) owned_by_[meta.owner_uid].insert(meta.key);
  objects_.insert_or_assign(meta.key, std::move(view));
}

ResourceView ImaginedCluster::take_out(const ResourceKey& key) {
  const auto found = objects_.find(key);
  ResourceView view = std::move(found->second);
  objects_.erase(found);
  const ObjectMeta& meta = meta_of(view);
  by_uid_.erase(meta.uid);
  if (const auto owned = owned_by_.find(meta.owner_uid); owned != owned_by_.end())
    owned->second.erase(key);
  return view;
}

// With all that it owns, and what that owns.
void ImaginedCluster::erase(const ResourceKey& key, std::vector<engine::Event>& told) {
  std::deque<std::string> leaving{meta_of(take_out(key)).uid};
  for (; !leaving.empty(); leaving.pop_front()) {
    const auto owned = owned_by_.extract(leaving.front());
    if (owned.empty()) continue;
    for (const ResourceKey& its : owned.mapped()) {
      ResourceView last = take_out(its);
      leaving.push_back(meta_of(last).uid);
      meta_in(last).resource_version = std::to_string(++version_);
      told.push_back(engine::WatchChanged{its.type, true, std::move(last)});
    }
  }
}

const ResourceView* ImaginedCluster::find(const ResourceKey& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : &found->second;
}

const ResourceView* ImaginedCluster::find_uid(const std::string& uid) const {
  const auto found = by_uid_.find(uid);
  return found == by_uid_.end() ? nullptr : find(found->second);
}

std::optional<ObjectKey> ImaginedCluster::subject_of(const ResourceView& view) const {
  const ObjectMeta& meta = meta_of(view);
  const ResourceView* owner = find_uid(meta.owner_uid);
  const ConfigMapView* anchor = anchor_in(view);
  if (anchor == nullptr && owner != nullptr) anchor = anchor_in(*owner);
  if (anchor == nullptr) {
    const std::optional<Kind> kind = companion_kind(meta.key.type);
    if (!kind) return std::nullopt;
    return ObjectKey{*kind, meta.key.ns, meta.key.name};
  }
  if (auto parent = anchored_parent(*anchor)) return parent;
  const Result<ObjectKey> key = anchored_key(*anchor);
  return key ? std::optional(*key) : std::nullopt;
}

std::set<ObjectKey> ImaginedCluster::subjects() const {
  std::set<ObjectKey> found;
  for (const auto& [key, view] : objects_) {
    if (!meta_of(view).owner_uid.empty()) continue;
    if (const auto subject = subject_of(view)) found.insert(*subject);
  }
  return found;
}

std::optional<ObjectKey> ImaginedCluster::submitter_of(const std::string& submission_id) const {
  for (const auto& [key, view] : objects_) {
    const auto* map = std::get_if<ConfigMapView>(&view);
    if (map == nullptr || map->anchor_kind != name_of(Kind::RayJob)) continue;
    const Result<JobState> state = anchored_job_state(*map);
    if (state && state->submission_id == submission_id) return subject_of(view);
  }
  return std::nullopt;
}

std::set<std::string> ImaginedCluster::addresses_beside(const std::string& pod_uid) const {
  std::set<std::string> addresses;
  const ResourceView* view = find_uid(pod_uid);
  const auto* pod = view == nullptr ? nullptr : std::get_if<PodView>(view);
  if (pod == nullptr) return addresses;
  const auto owned = owned_by_.find(pod->meta.owner_uid);
  if (owned == owned_by_.end()) return addresses;
  for (const ResourceKey& key : owned->second) {
    const auto* beside = std::get_if<PodView>(&objects_.at(key));
    if (beside != nullptr && !beside->ip.empty()) addresses.insert(beside->ip);
  }
  return addresses;
}

}  // namespace ray_gitops::review
