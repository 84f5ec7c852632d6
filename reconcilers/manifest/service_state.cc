#include "reconcilers/manifest/service_state.h"

#include <map>
#include <set>
#include <string>
#include <utility>

#include "reconcilers/manifest/json_members.h"
#include "reconcilers/manifest/state_members.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

Json serving_cluster_json(const ServingCluster& cluster) {
  return Json{{"name", cluster.name},
              {"headHash", cluster.head_hash},
              {"groupHashes", cluster.group_hashes},
              {"headUid", cluster.head_uid},
              {"configDigest", cluster.config_digest},
              {"leavesAt", state_time_text(cluster.leaves_at.value_or(WallTime{}))}};
}

Result<std::map<std::string, std::string>> parse_hashes(const Json& object, const char* name) {
  const Json& hashes = member(object, name);
  if (!hashes.is_object()) return unreadable_state(name);
  std::map<std::string, std::string> by_group;
  for (const auto& [group, hash] : hashes.items()) {
    if (!hash.is_string()) return unreadable_state(name);
    by_group[group] = hash.get<std::string>();
  }
  return by_group;
}

Result<ServingCluster> parse_serving_cluster(const Json& object) {
  ServingCluster cluster;
  cluster.name = TRY(parse_state_text(object, "name"));
  if (cluster.name.empty()) return unreadable_state("name");
  cluster.head_hash = TRY(parse_state_text(object, "headHash"));
  cluster.group_hashes = TRY(parse_hashes(object, "groupHashes"));
  cluster.head_uid = TRY(parse_state_text(object, "headUid"));
  cluster.config_digest = TRY(parse_state_text(object, "configDigest"));
  const WallTime leaves_at = TRY(parse_state_time(object, "leavesAt"));
  if (leaves_at != WallTime{}) cluster.leaves_at = leaves_at;
  return cluster;
}

Result<std::vector<ServingCluster>> parse_clusters(const Json& list) {
  if (!list.is_array() || list.size() > k_serving_clusters_max) return unreadable_state("clusters");
  std::vector<ServingCluster> clusters;
  std::set<std::string> names;
  for (const Json& object : list) {
    ServingCluster cluster = TRY(parse_serving_cluster(object));
    if (!names.insert(cluster.name).second) return unreadable_state("clusters");
    clusters.push_back(std::move(cluster));
  }
  return clusters;
}

}  // namespace

Json service_state_json(const ServiceState& state) {
  Json clusters = Json::array();
  for (const ServingCluster& cluster : state.clusters)
    clusters.push_back(serving_cluster_json(cluster));
  return Json{{"active", state.active}, {"made", state.made}, {"clusters", std::move(clusters)}};
}

Result<ServiceState> parse_service_state(const Json& json) {
  if (!json.is_object()) return unreadable_state("state");
  ServiceState state;
  state.active = TRY(parse_state_text(json, "active"));
  state.made = TRY(parse_state_count(json, "made", 0));
  state.clusters = TRY(parse_clusters(member(json, "clusters")));
  return state;
}

}  // namespace ray_gitops
