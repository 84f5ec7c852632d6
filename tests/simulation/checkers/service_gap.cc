// Nothing that an agent writes takes a service away that was there: what people change in files
// leaves a pod that serves behind the serve Service all the time. Trouble with pods excuses it for
// a while, and so does suspending the service, removing it, or telling its head not to serve.
#include <set>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/serve_service.h"
#include "reconcilers/raycluster/census.h"
#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

// How long what the agent knows may lag behind what is so.
constexpr Duration k_lag = std::chrono::minutes(2);

class ServiceGap : public Checker {
 public:
  explicit ServiceGap(const Scene& scene) : Checker(scene, "service_gap") {}

  void on_write(const WriteSeen& write) override {
    if (write.before == write.after) return;
    const Document& object = write.after.is_null() ? write.before : write.after;
    for (const ObjectKey& service : touched(object)) {
      const bool was = std::exchange(reached_[service], is_reached(service));
      if (was && !reached_.at(service) && !is_excused(service))
        fail(write.agent + " takes " + to_string(service) +
             " away: " + name_of(write.action->verb) + " " + to_string(write.action->target) +
             " (" + write.action->reason + ")");
    }
  }

  void on_change(const local_cluster::Change& change) override {
    const std::set<ObjectKey> services = touched(change.object);
    if (services.empty()) return;
    for (const ObjectKey& service : services) {
      if (is_trouble(change)) troubled_[service] = now();
      reached_[service] = is_reached(service);
    }
  }

 private:
  // The service that the object has to do with, if any.
  std::set<ObjectKey> touched(const Document& object) const {
    const auto view = view_of(object);
    if (!view) return {};
    const std::string& ns = meta_of(*view).key.ns;
    if (const auto* pod = std::get_if<PodView>(&*view)) {
      const ObjectKey* service = scene().services.service_of({Kind::RayCluster, ns, pod->cluster});
      if (service != nullptr) return {*service};
    }
    std::optional<ObjectKey> owner;
    if (const auto* lead = std::get_if<ServiceView>(&*view))
      owner = service_that_owns(ns, lead->owner_name);
    if (const auto* map = std::get_if<ConfigMapView>(&*view))
      owner = service_that_owns(ns, map->owner_name);
    return owner ? std::set<ObjectKey>{*owner} : std::set<ObjectKey>{};
  }

  bool is_reached(const ObjectKey& service) const {
    const auto anchor = scene().truth.anchor(service);
    const auto declaration = scene().truth.applied(service);
    if (!anchor || !declaration) return false;
    const auto& spec = std::get<RayServiceSpec>(declaration->spec);
    const ResourceKey target{ResourceType::Service, service.ns,
                             serve_service_name(service.name, spec)};
    const auto live = scene().truth.find(target);
    if (!live || meta_of(*live).owner_uid != anchor->meta.uid) return false;
    const std::string cluster = selected_cluster(scene().api.store().find(store_key(target)));
    return scene().services.has_serving_pod({Kind::RayCluster, service.ns, cluster});
  }

  bool is_excused(const ObjectKey& service) {
    if (scene().services.may_stop(service)) return true;
    const auto declaration = scene().truth.applied(service);
    if (declaration && std::get<RayServiceSpec>(declaration->spec).exclude_head) return true;
    const auto last = troubled_.find(service);
    return last != troubled_.end() && now() - last->second < k_lag;
  }

  // A pod that was there for the service is not, or not as it was.
  static bool is_trouble(const local_cluster::Change& change) {
    if (change.key.plural != "pods") return false;
    const auto after = view_of(change.object);
    const auto before = view_of(change.previous);
    if (!after || !before) return false;
    const PodView& pod = std::get<PodView>(*after);
    const PodView& earlier = std::get<PodView>(*before);
    return change.type == local_cluster::ChangeType::Deleted || pod.meta.terminating ||
           has_failed(pod) || pod.ray_restart_count > earlier.ray_restart_count ||
           (earlier.ready && !pod.ready);
  }

  std::map<ObjectKey, bool> reached_;
  std::map<ObjectKey, Instant> troubled_;
};

}  // namespace

std::unique_ptr<Checker> make_service_gap_checker(const Scene& scene) {
  return std::make_unique<ServiceGap>(scene);
}

}  // namespace ray_gitops::simulation
