// Nobody writes, to the cluster or to the status branch, submits a job, stops one or tells Serve
// what to serve, but the holder of the Lease.
#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

class LeaseHolder : public Checker {
 public:
  static constexpr std::size_t k_shown = 120;

  explicit LeaseHolder(const Scene& scene) : Checker(scene, "lease") {}

  void on_effect(const Agent& agent, const engine::Effect& effect) override {
    const auto* write = std::get_if<engine::SendWrite>(&effect);
    const bool publishes = std::holds_alternative<engine::PublishStatus>(effect);
    const bool acts = write != nullptr && write->action.target.type != ResourceType::Lease;
    const auto* ask = std::get_if<engine::AskRay>(&effect);
    const bool commands = ask != nullptr && (ask->request.verb == RayVerb::SubmitJob ||
                                             ask->request.verb == RayVerb::StopJob ||
                                             ask->request.verb == RayVerb::PutServe);
    if (!acts && !publishes && !commands) return;
    const auto lease = scene().truth.lease();
    if (lease && lease->holder == agent.instance()) return;
    fail(agent.client() + " does this: " + describe(effect).substr(0, k_shown) +
         ", while the Lease names " + (lease ? lease->holder : "nobody"));
  }
};

}  // namespace

std::unique_ptr<Checker> make_lease_checker(const Scene& scene) {
  return std::make_unique<LeaseHolder>(scene);
}

}  // namespace ray_gitops::simulation
