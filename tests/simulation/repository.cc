#include "tests/simulation/repository.h"

#include <algorithm>

namespace ray_gitops::simulation {
namespace {

std::string container(const char* name, int image, int revision) {
  return std::string("      spec:\n        containers:\n        - name: ") + name +
         "\n          image: rayproject/ray:2." + std::to_string(40 + image) +
         ".0\n          env: [{name: REVISION, value: '" + std::to_string(revision) + "'}]\n";
}

std::string render_cluster(const std::string& name, const ClusterModel& cluster) {
  std::string text = "apiVersion: ray.io/v1\nkind: RayCluster\nmetadata:\n  name: " + name +
                     "\n  namespace: " + cluster.ns + "\nspec:\n  rayVersion: 2." +
                     std::to_string(40 + cluster.image) + ".0\n";
  if (cluster.suspend) text += "  suspend: true\n";
  text += "  headGroupSpec:\n    rayStartParams: {}\n";
  if (cluster.node_port) text += "    serviceType: NodePort\n";
  text += "    template:\n" + container("ray-head", cluster.image, cluster.head_revision);
  if (!cluster.groups.empty()) text += "  workerGroupSpecs:\n";
  for (const GroupModel& group : cluster.groups)
    text += "  - groupName: " + group.name + "\n    replicas: " + std::to_string(group.replicas) +
            "\n    minReplicas: 0\n    maxReplicas: 9\n    rayStartParams: {}\n    template:\n" +
            container("ray-worker", cluster.image, group.revision);
  return text;
}

std::string render_companions(int revision) {
  return std::string("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ") + k_team_ns +
         "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + k_companion_name +
         "\n  namespace: " + k_team_ns + "\ndata:\n  revision: '" + std::to_string(revision) +
         "'\n";
}

void render_damaged(const std::string& name, const ClusterModel& cluster, Files& files) {
  const std::string text = render_cluster(name, cluster);
  switch (cluster.damage) {
    case Damage::None:
      files[cluster.path] = {text, ""};
      break;
    case Damage::Invalid:
      files[cluster.path] = {text + "  noSuchField: 1\n", ""};
      break;
    case Damage::Opaque:
      files[cluster.path] = {"kind: [RayCluster\n  }: " + text, ""};
      break;
    case Damage::Refused:
      files[cluster.path] = {"", "it is a symbolic link"};
      break;
    case Damage::Duplicate:
      files[cluster.path] = {text, ""};
      files["copies/" + name + ".yaml"] = {text, ""};
      break;
  }
}

}  // namespace

bool Repository::has_opaque_file() const {
  return std::any_of(clusters.begin(), clusters.end(), [](const auto& entry) {
    return entry.second.damage == Damage::Opaque || entry.second.damage == Damage::Refused;
  });
}

bool Repository::names(const ObjectKey& key) const {
  if (key.kind == Kind::Namespace) return companions && key.name == k_team_ns;
  if (key.kind == Kind::ConfigMap) return companions && key.name == k_companion_name;
  const auto found = clusters.find(key.name);
  if (found == clusters.end() || found->second.ns != key.ns) return false;
  const Damage damage = found->second.damage;
  return damage != Damage::Opaque && damage != Damage::Refused;
}

ObjectKey key_of(const std::string& name, const ClusterModel& cluster) {
  return {Kind::RayCluster, cluster.ns, name};
}

Files render_files(const Repository& repository) {
  Files files;
  for (const auto& [name, cluster] : repository.clusters) render_damaged(name, cluster, files);
  if (repository.companions)
    files["companions.yaml"] = {render_companions(repository.companion_revision), ""};
  return files;
}

}  // namespace ray_gitops::simulation
