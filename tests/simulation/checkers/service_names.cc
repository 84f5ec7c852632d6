// The name of a service's cluster is in the service's anchor before the cluster is made, and stands
// for one cluster for ever.
#include <map>
#include <set>

#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

class ServiceNames : public Checker {
 public:
  explicit ServiceNames(const Scene& scene) : Checker(scene, "service_names") {}

  void on_change(const local_cluster::Change& change) override {
    const auto view = view_of(change.object);
    const auto* map = view ? std::get_if<ConfigMapView>(&*view) : nullptr;
    if (map == nullptr || change.type == local_cluster::ChangeType::Deleted) return;
    const Result<ObjectKey> key = anchored_key(*map);
    if (!key || map->meta.agent != k_agent_id) return;
    const auto service = service_that_owns(key->ns, map->owner_name);
    if (service && change.type == local_cluster::ChangeType::Added) check_child(*key, *map);
    const Result<ServiceState> state = anchored_service_state(*map);
    if (key->kind == Kind::RayService && state) check_state(*map, *state);
  }

 private:
  struct Names {
    std::int64_t made = 0;
    std::map<std::string, std::string> hashes;  // of the head, by cluster
    std::set<std::string> dropped;
  };

  void check_child(const ObjectKey& cluster, const ConfigMapView& child) {
    const Names& names = names_[child.meta.owner_uid];
    if (!names.hashes.contains(cluster.name))
      fail(to_string(cluster) + " is made before its name is saved");
    if (names.dropped.contains(cluster.name))
      fail(to_string(cluster) + " has the name of one that is gone");
  }

  void check_state(const ConfigMapView& anchor, const ServiceState& state) {
    Names& names = names_[anchor.meta.uid];
    if (state.made < names.made) fail("the count of " + to_string(anchor.meta.key) + " falls");
    names.made = state.made;
    std::set<std::string> listed;
    for (const ServingCluster& cluster : state.clusters) {
      listed.insert(cluster.name);
      const auto [found, is_new] = names.hashes.try_emplace(cluster.name, cluster.head_hash);
      if (found->second != cluster.head_hash)
        fail(cluster.name + " is the name of two clusters of " + to_string(anchor.meta.key));
      if (names.dropped.contains(cluster.name))
        fail(cluster.name + " is a name again in " + to_string(anchor.meta.key));
    }
    for (const auto& [name, hash] : names.hashes)
      if (!listed.contains(name)) names.dropped.insert(name);
  }

  std::map<std::string, Names> names_;  // by the uid of the service's anchor
};

}  // namespace

std::unique_ptr<Checker> make_service_names_checker(const Scene& scene) {
  return std::make_unique<ServiceNames>(scene);
}

}  // namespace ray_gitops::simulation
