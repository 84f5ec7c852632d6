#include "tests/simulation/truth.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/parse.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/raycluster/census.h"
#include "tests/simulation/core.h"

namespace ray_gitops::simulation {

const RayClusterSpec& cluster_spec(const Declaration& declaration) {
  return std::get<RayClusterSpec>(declaration.spec);
}

std::optional<ResourceView> Truth::find(const ResourceKey& key) const {
  return view_of(api_.store().find(store_key(key)));
}

std::optional<ConfigMapView> Truth::anchor(const ObjectKey& key) const {
  const auto view = find(anchor_key(key));
  if (!view) return std::nullopt;
  const auto* map = std::get_if<ConfigMapView>(&*view);
  if (map == nullptr || map->meta.agent != k_agent_id || map->anchor_kind.empty())
    return std::nullopt;
  return *map;
}

std::shared_ptr<const Declaration> Truth::applied(const ObjectKey& key) {
  const auto live = anchor(key);
  if (!live) return nullptr;
  const auto [found, is_new] = parsed_.try_emplace(live->meta.uid + live->spec_hash);
  if (!is_new) return found->second;
  const Result<Document> document = anchored_document(*live);
  if (!document) return nullptr;
  const Result<Declaration> declaration = parse_document(*document, {});
  if (declaration) found->second = std::make_shared<Declaration>(*declaration);
  return found->second;
}

std::optional<ObjectKey> Truth::parent(const ObjectKey& cluster) const {
  const auto live = anchor(cluster);
  return live ? anchored_parent(*live) : std::nullopt;
}

AgentState Truth::agent_state() const {
  const auto view = find(agent_anchor_key(k_agent_ns, k_agent_id));
  if (!view) return {};
  const Result<AgentState> state = ray_gitops::agent_state(std::get<ConfigMapView>(*view));
  return state.value_or(AgentState{});
}

std::optional<LeaseView> Truth::lease() const {
  const auto view = find(agent_lease_key(k_agent_ns, k_agent_id));
  return view ? std::optional(std::get<LeaseView>(*view)) : std::nullopt;
}

std::vector<PodView> Truth::pods(const ObjectKey& key) const {
  std::vector<PodView> pods;
  const auto live = anchor(key);
  if (!live) return pods;
  for (const Document& object :
       api_.store().list({.type = local_cluster::find_type_by_plural("pods"), .ns = key.ns})) {
    const auto view = view_of(object);
    if (view && meta_of(*view).owner_uid == live->meta.uid)
      pods.push_back(std::get<PodView>(*view));
  }
  return pods;
}

bool Truth::has_service(const ObjectKey& key) {
  const auto declaration = applied(key);
  const auto live = anchor(key);
  if (!declaration || !live) return false;
  const auto service = find(
      {ResourceType::Service, key.ns, head_service_name(key.name, cluster_spec(*declaration))});
  return service && meta_of(*service).owner_uid == live->meta.uid;
}

bool Truth::is_ready(const ObjectKey& key) {
  const auto declaration = applied(key);
  if (!declaration || !has_service(key)) return false;
  const RayClusterSpec& spec = cluster_spec(*declaration);
  std::map<std::string, std::int64_t> missing{{k_head_group_name, 1}};
  for (const GroupSpec& group : spec.workers)
    if (!spec.autoscaling) missing[group.name] = group.suspend ? 0 : group.replicas * group.hosts;
  for (const PodView& pod : pods(key)) {
    const bool scales = spec.autoscaling && pod.group != k_head_group_name;
    if (pod.meta.terminating || scales) continue;
    if (!pod.ready || has_failed(pod)) return false;
    --missing[pod.group];
  }
  return std::all_of(missing.begin(), missing.end(),
                     [](const auto& entry) { return entry.second == 0; });
}

std::vector<ObjectKey> Truth::anchored() const {
  std::vector<ObjectKey> keys;
  for (const Document& object :
       api_.store().list({.type = local_cluster::find_type_by_plural("configmaps")})) {
    const auto view = view_of(object);
    if (!view || meta_of(*view).agent != k_agent_id) continue;
    const auto& map = std::get<ConfigMapView>(*view);
    const Result<ObjectKey> key = anchored_key(map);
    if (key && !anchored_parent(map)) keys.push_back(*key);
  }
  return keys;
}

}  // namespace ray_gitops::simulation
