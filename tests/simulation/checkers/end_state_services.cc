#include "tests/simulation/checkers/end_state_services.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/serve_service.h"

namespace ray_gitops::simulation {
namespace {

using Json = nlohmann::json;
using Problems = std::vector<std::string>;

struct Wanted {
  const ServiceModel& model;
  ObjectKey key;
  Declaration declaration;
  const RayServiceSpec& spec() const { return std::get<RayServiceSpec>(declaration.spec); }
};

bool is_made_from(const ServingCluster& cluster, const RayServiceSpec& spec) {
  return cluster.head_hash == spec.head_hash && cluster.group_hashes == spec.group_hashes;
}

ResourceKey serve_service(const Wanted& wanted) {
  return {ResourceType::Service, wanted.key.ns, serve_service_name(wanted.key.name, wanted.spec())};
}

std::string problem_of_lead(const Scene& scene, const Wanted& wanted, const ObjectKey& cluster) {
  const ResourceKey target = serve_service(wanted);
  const auto live = scene.truth.find(target);
  const auto anchor = scene.truth.anchor(wanted.key);
  if (!live || meta_of(*live).owner_uid != anchor->meta.uid) return "has no serve Service";
  if (selected_cluster(scene.api.store().find(store_key(target))) != cluster.name)
    return "has a serve Service that leads elsewhere";
  return {};
}

// The head has the configuration, and pods have the label if they serve.
std::string problem_of_serve(const Scene& scene, const Wanted& wanted, const ObjectKey& cluster) {
  const auto serve = scene.heads.serve_of(cluster);
  if (!serve || !is_serving(serve->info)) return "is not served";
  if (!(serve->config == wanted.spec().serve_config)) return "has another configuration";
  for (const PodView& pod : scene.truth.pods(cluster)) {
    const bool is_excluded = wanted.spec().exclude_head && pod.group == k_head_group_name;
    const bool serves = serve->info.proxies.contains(pod.ip) && !is_excluded;
    if (pod.serves != serves) return "has a pod with a wrong label: " + to_string(pod.meta.key);
  }
  return {};
}

std::string problem_of_cluster(const Scene& scene, const Wanted& wanted,
                               const ServingCluster& remembered) {
  const ObjectKey cluster{Kind::RayCluster, wanted.key.ns, remembered.name};
  const bool is_current = is_made_from(remembered, wanted.spec());
  if (!is_current && wanted.model.replaces_cluster) return "has a cluster of an older template";
  const auto applied = scene.truth.applied(cluster);
  if (!applied || !scene.truth.is_ready(cluster)) return "has a cluster that is not ready";
  if (is_current && !is_shaped(cluster_spec(*applied), wanted.model.cluster))
    return "has a cluster that is not as its file says";
  const std::string problem = problem_of_lead(scene, wanted, cluster);
  return problem.empty() ? problem_of_serve(scene, wanted, cluster) : problem;
}

// Empty when the cluster is as the file says.
std::string problem_in_cluster(const Scene& scene, const Wanted& wanted) {
  const auto anchor = scene.truth.anchor(wanted.key);
  const auto state = scene.services.state_of(wanted.key);
  if (!anchor || !state || anchor->spec_hash != wanted.declaration.spec_hash)
    return "is not applied as its file says";
  const std::vector<ObjectKey> clusters = scene.services.clusters_of(wanted.key);
  if (wanted.model.suspend) {
    const bool is_gone = clusters.empty() && state->clusters.empty() && state->active.empty() &&
                         !scene.truth.find(serve_service(wanted));
    return is_gone ? "" : "is suspended, and something of it is there";
  }
  if (clusters.size() != 1 || state->clusters.size() != 1)
    return "has " + std::to_string(clusters.size()) + " clusters";
  if (state->active != clusters[0].name) return "is not served by its cluster";
  return problem_of_cluster(scene, wanted, state->clusters[0]);
}

std::string problem_in_status(const ServiceModel& service, bool is_blocked, const Json& file) {
  if (file["file"] != service.path) return "is in another file";
  if (is_blocked)
    return service.suspend || file["reason"] == "NameTaken" ? "" : "does not say NameTaken";
  return file["phase"] == (service.suspend ? "Suspended" : "Ready") ? "" : "has another phase";
}

std::string problem_of(const Scene& scene, const std::string& name, const ServiceModel& service,
                       const StatusCommit& status) {
  const auto found = status.files.find("objects/" + service.ns + "/rayservice/" + name + ".json");
  if (found == status.files.end()) return "has no status";
  const Json file = Json::parse(found->second);
  const bool is_blocked = service.ns == "default" && scene.user.is_service_blocked(name);
  const std::string shown = problem_in_status(service, is_blocked, file);
  if (!shown.empty())
    return shown + " in its status (" + file["phase"].dump() + ", " + file["reason"].dump() + ": " +
           file["message"].dump() + ")";
  if (is_blocked) return {};
  return problem_in_cluster(scene, {service, key_of(name, service), declaration_of(name, service)});
}

}  // namespace

void check_services(const Scene& scene, const StatusCommit& status, Problems& problems) {
  for (const auto& [name, service] : scene.user.wanted().services) {
    const std::string problem = problem_of(scene, name, service, status);
    if (!problem.empty()) problems.push_back("service " + name + " " + problem);
  }
}

bool is_wanted_service_cluster(const Scene& scene, const ObjectKey& cluster) {
  const ObjectKey* service = scene.services.service_of(cluster);
  return service != nullptr && scene.user.wanted().names(*service) &&
         !scene.services.is_surplus(cluster);
}

bool is_shaped(const RayClusterSpec& spec, const ClusterShape& wanted) {
  if (spec.suspend != wanted.suspend || spec.workers.size() != wanted.groups.size()) return false;
  if (spec.autoscaling != wanted.autoscales) return false;
  if (spec.token_auth != wanted.asks_for_token) return false;
  if (spec.ray_version != "2." + std::to_string(k_first_release + wanted.image) + ".0")
    return false;
  return std::equal(spec.workers.begin(), spec.workers.end(), wanted.groups.begin(),
                    [](const GroupSpec& group, const GroupModel& model) {
                      return group.name == model.name && group.replicas == model.replicas &&
                             group.min_replicas == model.least &&
                             group.max_replicas == model.most && group.hosts == model.hosts;
                    });
}

}  // namespace ray_gitops::simulation
