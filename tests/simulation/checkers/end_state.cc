// The end state: every declared cluster runs as its newest file says, every declared job has run,
// every declared service serves, nothing else of the agents' is there, and the status branch says
// so.
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/names.h"
#include "tests/simulation/checkers/checker.h"
#include "tests/simulation/checkers/end_state_jobs.h"
#include "tests/simulation/checkers/end_state_services.h"

namespace ray_gitops::simulation {
namespace {

using Json = nlohmann::json;
using Problems = std::vector<std::string>;

// All work is done, and no group has more workers than it must.
void check_scale(const Scene& scene, const ObjectKey& key, const RayClusterSpec& spec,
                 Problems& problems) {
  if (!spec.workers.empty() && scene.gcs.has_work(key))
    problems.push_back(to_string(key) + " has tasks that have not run");
  std::map<std::string, std::int64_t> workers;
  for (const PodView& pod : scene.truth.pods(key)) workers[pod.group] += pod.ready ? 1 : 100;
  for (const GroupSpec& group : spec.workers)
    if (workers[group.name] != group.min_replicas * group.hosts)
      problems.push_back(to_string(key) + " has not the least of workers in group " + group.name);
}

// No replica of several hosts lacks one.
void check_replicas(const Scene& scene, const ObjectKey& key, const RayClusterSpec& spec,
                    Problems& problems) {
  std::map<std::string, std::int64_t> hosts;
  for (const PodView& pod : scene.truth.pods(key))
    if (!pod.replica.empty()) ++hosts[pod.replica];
  for (const GroupSpec& group : spec.workers)
    for (const auto& [replica, count] : hosts)
      if (group.hosts > 1 && replica.starts_with(group.name + "-") && count != group.hosts)
        problems.push_back(to_string(key) + " has " + std::to_string(count) + " hosts of replica " +
                           replica);
}

void check_cluster(const Scene& scene, const ObjectKey& key, const ClusterModel& wanted,
                   Problems& problems) {
  const auto applied = scene.truth.applied(key);
  if (!applied || !is_shaped(cluster_spec(*applied), wanted)) {
    problems.push_back(to_string(key) + " is not applied as its file says");
    return;
  }
  const bool settled = wanted.suspend ? scene.truth.pods(key).empty() : scene.truth.is_ready(key);
  if (!settled) problems.push_back(to_string(key) + " is not as its file says");
  check_replicas(scene, key, cluster_spec(*applied), problems);
  if (wanted.autoscales && !wanted.suspend)
    check_scale(scene, key, cluster_spec(*applied), problems);
}

// Who may still be there of what agents made.
bool is_expected(const Scene& scene, const ResourceView& view) {
  const ObjectMeta& meta = meta_of(view);
  const auto& clusters = scene.user.wanted().clusters;
  const auto is_declared = [&](const std::string& cluster) {
    const auto found = clusters.find(cluster);
    const bool stands_in_file = found != clusters.end() && found->second.ns == meta.key.ns;
    const ObjectKey key{Kind::RayCluster, meta.key.ns, cluster};
    return stands_in_file || is_wanted_child(scene, key) || is_wanted_service_cluster(scene, key);
  };
  if (const auto* pod = std::get_if<PodView>(&view)) return is_declared(pod->cluster);
  if (const auto* secret = std::get_if<SecretView>(&view)) return is_declared(secret->cluster);
  if (const auto* service = std::get_if<ServiceView>(&view)) {
    const auto owner = service_that_owns(meta.key.ns, service->owner_name);
    return owner ? scene.user.wanted().names(*owner) : is_declared(service->cluster);
  }
  if (const auto* map = std::get_if<ConfigMapView>(&view)) {
    if (meta.key == agent_anchor_key(k_agent_ns, k_agent_id)) return true;
    const Result<ObjectKey> key = anchored_key(*map);
    if (key && key->kind != Kind::RayCluster) return scene.user.wanted().names(*key);
    if (key) return is_declared(key->name);
    return scene.user.wanted().companions && meta.key.name == k_companion_name;
  }
  return true;  // namespaces are kept, the Lease is there
}

void check_leftovers(const Scene& scene, Problems& problems) {
  for (const char* plural : {"pods", "services", "configmaps", "secrets"})
    for (const Document& object :
         scene.api.store().list({.type = local_cluster::find_type_by_plural(plural)})) {
      const auto view = view_of(object);
      if (!view || !scene.api.made().contains(meta_of(*view).uid)) continue;
      if (!scene.core.is_in_reach(meta_of(*view).key.ns)) continue;  // nobody looks after it
      if (!is_expected(scene, *view))
        problems.push_back(to_string(meta_of(*view).key) + " is still there");
    }
}

void check_status(const Scene& scene, Problems& problems) {
  const StatusCommit* status = scene.git.status();
  if (status == nullptr) return problems.push_back("nothing was published");
  const Json summary = Json::parse(status->files.at("summary.json"));
  if (summary["source"]["acceptedCommit"] != *scene.git.source_tip())
    problems.push_back("the status tells of another commit");
  if (summary.contains("hold") || summary["source"].contains("problem"))
    problems.push_back("the status tells of a hold or a problem");
  std::size_t objects = 0;
  if (scene.user.wanted().companions) objects += scene.user.wanted().has_namespaces ? 1 : 2;
  if (scene.user.wanted().pods_quota > 0) ++objects;
  objects += scene.user.wanted().jobs.size() + scene.user.wanted().services.size();
  check_jobs(scene, *status, problems);
  check_services(scene, *status, problems);
  for (const auto& [name, cluster] : scene.user.wanted().clusters) {
    ++objects;
    const std::string path = "objects/" + cluster.ns + "/raycluster/" + name + ".json";
    const auto found = status->files.find(path);
    if (found == status->files.end()) {
      problems.push_back("the status has no " + path);
      continue;
    }
    const Json file = Json::parse(found->second);
    const bool blocked = cluster.ns == "default" && scene.user.is_blocked(name);
    const bool in_reach = scene.core.is_in_reach(cluster.ns);
    const std::string wanted = !in_reach ? "Blocked" : cluster.suspend ? "Suspended" : "Ready";
    if (!blocked && file["phase"] != wanted)
      problems.push_back("the status says that " + name + " is " + file["phase"].dump() + ": " +
                         file["message"].dump());
    if (blocked && !cluster.suspend && file["reason"] != "NameTaken")
      problems.push_back("the status does not say that the name of " + name + " is taken, but " +
                         file["reason"].dump());
    if (file["file"] != cluster.path)
      problems.push_back("the status says that " + name + " is in " + file["file"].dump());
  }
  if (summary["objects"] != objects) problems.push_back("the status tells of other objects");
}

}  // namespace

std::vector<std::string> missing_to_end_state(const Scene& scene) {
  Problems problems;
  for (const auto& [name, cluster] : scene.user.wanted().clusters)
    if (scene.core.is_in_reach(cluster.ns) &&
        (cluster.ns != "default" || !scene.user.is_blocked(name)))
      check_cluster(scene, key_of(name, cluster), cluster, problems);
  check_leftovers(scene, problems);
  check_status(scene, problems);
  return problems;
}

}  // namespace ray_gitops::simulation
