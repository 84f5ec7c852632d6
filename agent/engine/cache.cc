#include "agent/engine/cache.h"

namespace ray_gitops::engine {
namespace {

constexpr Duration k_first_retry = std::chrono::milliseconds(200);
constexpr Duration k_longest_retry = std::chrono::seconds(30);
// From the start of a watch to that of the next: a server that ends each at once, be it in good
// order and after an event, is not asked again and again.
constexpr Duration k_watch_spacing = std::chrono::seconds(1);

std::string cluster_of(const ResourceView& view) {
  if (const auto* pod = std::get_if<PodView>(&view)) return pod->cluster;
  if (const auto* service = std::get_if<ServiceView>(&view)) return service->cluster;
  if (const auto* secret = std::get_if<SecretView>(&view)) return secret->cluster;
  return {};
}

template <class Place>
void list_under(std::map<Place, std::set<ResourceKey>>& index, const Place& place,
                const ResourceKey& key, bool add) {
  if (add) {
    index[place].insert(key);
    return;
  }
  const auto found = index.find(place);
  found->second.erase(key);
  if (found->second.empty()) index.erase(found);
}

}  // namespace

bool is_older(const std::string& left, const std::string& right) {
  if (left.size() != right.size()) return left.size() < right.size();
  return left < right;
}

Cache::Cache(const std::vector<ResourceType>& types, OnChange on_change,
             std::set<std::string> namespaces)
    : namespaces_(std::move(namespaces)), on_change_(std::move(on_change)) {
  for (const ResourceType type : types)
    for (const Scope& scope : scopes_of(type)) watches_[scope].required = true;
}

std::vector<Cache::Scope> Cache::scopes_of(ResourceType type) const {
  if (namespaces_.empty()) return {{type, ""}};
  std::vector<Scope> scopes;
  scopes.reserve(namespaces_.size());
  for (const std::string& ns : namespaces_) scopes.push_back({type, ns});
  return scopes;
}

void Cache::watch(ResourceType type) {
  for (const Scope& scope : scopes_of(type)) watches_.try_emplace(scope);
}

const Cache::Watch* Cache::watch_of(const ResourceKey& key) const {
  const auto found = watches_.find({key.type, namespaces_.empty() ? std::string{} : key.ns});
  return found == watches_.end() ? nullptr : &found->second;
}

void Cache::on(ListCompleted event) {
  Watch& watch = watches_.at({event.type, event.ns});
  watch.stage = Stage::Listed;
  watch.complete = true;
  watch.problem.reset();
  watch.failures = 0;
  watch.due = {};
  watch.resource_version = event.resource_version;
  std::set<ResourceKey> listed;
  for (ResourceView& view : event.objects) {
    listed.insert(meta_of(view).key);
    take(std::move(view));
  }
  // What the list lacks is gone, unless an answer newer than the list told us of it.
  for (auto it = objects_.begin(); it != objects_.end();) {
    const auto current = it++;
    const ObjectMeta& meta = meta_of(current->second);
    const bool newer = is_older(event.resource_version, meta.resource_version);
    const bool listable =
        meta.key.type == event.type && (event.ns.empty() || meta.key.ns == event.ns);
    if (listable && !listed.contains(meta.key) && !newer) erase(current);
  }
}

void Cache::on(WatchChanged event) {
  const ObjectMeta& meta = meta_of(event.object);
  Watch& watch = watches_.at({event.type, event.ns});
  watch.failures = 0;
  watch.resource_version = meta.resource_version;
  if (event.deleted)
    remove(meta.key, meta.uid);
  else
    take(std::move(event.object));
}

void Cache::on(const WatchBookmark& event) {
  Watch& watch = watches_.at({event.type, event.ns});
  watch.failures = 0;
  watch.resource_version = event.resource_version;
}

void Cache::on(const WatchEnded& event, Now now, Effects& effects) {
  Watch& watch = watches_.at({event.type, event.ns});
  const bool watched = watch.stage == Stage::Watching;
  const bool expired = event.error.code == ErrorCode::Expired;
  // A server that has forgotten where we were does answer, however often it did not before.
  watch.failures = watched && expired ? 1 : watch.failures + 1;
  if (!watch.complete) watch.problem = event.error;
  watch.stage = watched && !expired ? Stage::Listed : Stage::Idle;
  // A watch ends by itself every few minutes; only what fails again waits.
  const Duration pause =
      watch.failures == 1 ? Duration{0} : backoff(k_first_retry, k_longest_retry, watch.failures);
  watch.due = std::max(now.monotonic + pause, watch.next_start);
  if (watch.failures > 1)
    log(effects, LogLevel::Warning, "watch interrupted",
        {{"type", kind_of(event.type)},
         {"namespace", event.ns.empty() ? "all" : event.ns},
         {"error", describe(event.error)}});
}

void Cache::retry_now() {
  for (auto& [scope, watch] : watches_) watch.due = watch.next_start;
}

void Cache::pump(Now now, Effects& effects) {
  for (auto& [scope, watch] : watches_) {
    if (watch.due > now.monotonic) continue;
    if (watch.stage == Stage::Idle) {
      watch.stage = Stage::Listing;
      effects.push_back(StartList{scope.type, scope.ns});
    } else if (watch.stage == Stage::Listed) {
      watch.stage = Stage::Watching;
      watch.next_start = now.monotonic + k_watch_spacing;
      effects.push_back(StartWatch{scope.type, watch.resource_version, scope.ns});
    }
  }
}

Deadline Cache::deadline() const {
  Deadline next;
  for (const auto& [scope, watch] : watches_)
    if (watch.stage == Stage::Idle || watch.stage == Stage::Listed) next = earlier(next, watch.due);
  return next;
}

bool Cache::reaches(const ResourceKey& key) const {
  return namespaces_.empty() || namespaces_.contains(key.ns);
}

bool Cache::is_complete(ResourceType type) const {
  const std::vector<Scope> scopes = scopes_of(type);
  return std::all_of(scopes.begin(), scopes.end(), [this](const Scope& scope) {
    const auto found = watches_.find(scope);
    return found != watches_.end() && found->second.complete;
  });
}

bool Cache::all_complete() const {
  return std::all_of(watches_.begin(), watches_.end(), [](const auto& entry) {
    return entry.second.complete || !entry.second.required;
  });
}

std::optional<Error> Cache::problem_of(ResourceType type) const {
  for (const Scope& scope : scopes_of(type)) {
    const auto found = watches_.find(scope);
    if (found != watches_.end() && found->second.problem) return found->second.problem;
  }
  return std::nullopt;
}

void Cache::put(ResourceView view) {
  const ObjectMeta& meta = meta_of(view);
  const Watch* watch = watch_of(meta.key);
  const bool told = watch != nullptr && watch->complete &&
                    !is_older(watch->resource_version, meta.resource_version);
  if (told && !objects_.contains(meta.key)) return;
  take(std::move(view));
}

void Cache::take(ResourceView view) {
  const ObjectMeta& meta = meta_of(view);
  const auto found = objects_.find(meta.key);
  if (found != objects_.end()) {
    const ObjectMeta& held = meta_of(found->second);
    if (!is_older(held.resource_version, meta.resource_version)) return;
  }
  store(std::move(view));
}

void Cache::store(ResourceView view) {
  const ResourceKey key = meta_of(view).key;
  const auto found = objects_.find(key);
  if (found == objects_.end()) {
    const auto added = objects_.emplace(key, std::move(view)).first;
    index(added->second, true);
    on_change_(nullptr, &added->second);
    return;
  }
  index(found->second, false);
  const ResourceView before = std::exchange(found->second, std::move(view));
  index(found->second, true);
  on_change_(&before, &found->second);
}

void Cache::remove(const ResourceKey& key, const std::string& uid) {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return;
  if (uid.empty() || meta_of(found->second).uid == uid) erase(found);
}

void Cache::erase(std::map<ResourceKey, ResourceView>::iterator found) {
  index(found->second, false);
  const ResourceView before = std::move(found->second);
  objects_.erase(found);
  on_change_(&before, nullptr);
}

void Cache::index(const ResourceView& view, bool add) {
  const ResourceKey& key = meta_of(view).key;
  const std::string cluster = cluster_of(view);
  if (!cluster.empty()) list_under(by_cluster_, std::pair{key.ns, cluster}, key, add);
  const bool may_be_owned =
      std::holds_alternative<ConfigMapView>(view) || std::holds_alternative<ServiceView>(view);
  if (may_be_owned && !meta_of(view).owner_uid.empty())
    list_under(owned_, meta_of(view).owner_uid, key, add);
}

const ResourceView* Cache::find(const ResourceKey& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : &found->second;
}

template <class View>
std::vector<View> Cache::views_of(const std::string& ns, const std::string& cluster) const {
  std::vector<View> views;
  const auto found = by_cluster_.find({ns, cluster});
  if (found == by_cluster_.end()) return views;
  for (const ResourceKey& key : found->second)
    if (const auto* view = std::get_if<View>(&objects_.at(key))) views.push_back(*view);
  return views;
}

std::vector<PodView> Cache::pods_of(const std::string& ns, const std::string& cluster) const {
  return views_of<PodView>(ns, cluster);
}

std::size_t Cache::count_pods_of(const std::string& ns, const std::string& cluster) const {
  const auto found = by_cluster_.find({ns, cluster});
  if (found == by_cluster_.end()) return 0;
  return static_cast<std::size_t>(
      std::count_if(found->second.begin(), found->second.end(),
                    [](const ResourceKey& key) { return key.type == ResourceType::Pod; }));
}

std::vector<ServiceView> Cache::services_of(const std::string& ns,
                                            const std::string& cluster) const {
  return views_of<ServiceView>(ns, cluster);
}

std::vector<SecretView> Cache::secrets_of(const std::string& ns, const std::string& cluster) const {
  return views_of<SecretView>(ns, cluster);
}

std::vector<ConfigMapView> Cache::owned_by(const std::string& anchor_uid) const {
  std::vector<ConfigMapView> children;
  const auto found = owned_.find(anchor_uid);
  if (found == owned_.end()) return children;
  for (const ResourceKey& key : found->second) {
    const auto* map = std::get_if<ConfigMapView>(&objects_.at(key));
    if (map != nullptr && map->anchor_kind == name_of(Kind::RayCluster)) children.push_back(*map);
  }
  return children;
}

std::vector<ServiceView> Cache::services_owned_by(const std::string& anchor_uid) const {
  std::vector<ServiceView> services;
  const auto found = owned_.find(anchor_uid);
  if (found == owned_.end()) return services;
  for (const ResourceKey& key : found->second)
    if (const auto* service = std::get_if<ServiceView>(&objects_.at(key)))
      services.push_back(*service);
  return services;
}

}  // namespace ray_gitops::engine
