// The serve Service leads to the cluster that the service's anchor calls active and to no other; a
// cluster is called active only when all applications run there and a pod of it serves; and there
// is an active one from then on until the service is suspended or removed, or that one is
// destroyed.
#include <nlohmann/json.hpp>

#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

class ServiceSwitch : public Checker {
 public:
  explicit ServiceSwitch(const Scene& scene) : Checker(scene, "service_switch") {}

  void on_effect(const Agent& agent, const engine::Effect& effect) override {
    const auto* write = std::get_if<engine::SendWrite>(&effect);
    if (write == nullptr || write->action.body.is_null()) return;
    const auto service = service_of(write->action);
    if (!service) return;
    const std::string cluster = selected_cluster(write->action.body);
    if (!scene().services.was_active(*service, cluster))
      fail(agent.client() + " leads " + to_string(write->action.target) + " to \"" + cluster +
           "\", which is not active");
  }

  void on_write(const WriteSeen& write) override {
    if (write.after.is_null() || write.before == write.after) return;
    const auto view = view_of(write.after);
    const auto* map = view ? std::get_if<ConfigMapView>(&*view) : nullptr;
    const Result<ObjectKey> key =
        map == nullptr ? ray_gitops::fail(ErrorCode::NotFound, "") : anchored_key(*map);
    if (!key || key->kind != Kind::RayService) return;
    const Result<ServiceState> state = anchored_service_state(*map);
    if (state) check(*key, *state);
  }

 private:
  static std::optional<ObjectKey> service_of(const Action& action) {
    const nlohmann::json& metadata = action.body.json()["metadata"];
    if (action.target.type != ResourceType::Service || !metadata.contains("ownerReferences"))
      return std::nullopt;
    return service_that_owns(action.target.ns, metadata["ownerReferences"][0]["name"]);
  }

  void check(const ObjectKey& service, const ServiceState& state) {
    const std::string before = std::exchange(active_[service], state.active);
    if (before == state.active) return;
    if (state.active.empty()) {
      const bool is_there = scene().services.was_there({Kind::RayCluster, service.ns, before});
      if (is_there && !scene().services.may_stop(service))
        fail(to_string(service) + " serves no more");
    } else if (!scene().services.has_served({Kind::RayCluster, service.ns, state.active})) {
      fail(to_string(service) + " is to be served by " + state.active + ", which does not serve");
    }
  }

  std::map<ObjectKey, std::string> active_;
};

}  // namespace

std::unique_ptr<Checker> make_service_switch_checker(const Scene& scene) {
  return std::make_unique<ServiceSwitch>(scene);
}

}  // namespace ray_gitops::simulation
