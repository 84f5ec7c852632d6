// Every Delete says the uid of what it deletes, and so does every Apply to a pod; every Replace
// says which version it replaces.
#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

class Precondition : public Checker {
 public:
  explicit Precondition(const Scene& scene) : Checker(scene, "precondition") {}

  void on_effect(const Agent& agent, const engine::Effect& effect) override {
    const auto* write = std::get_if<engine::SendWrite>(&effect);
    if (write == nullptr) return;
    const Action& action = write->action;
    if (action.verb == Verb::Delete && action.preconditions.uid.empty())
      fail(agent.client() + " deletes " + to_string(action.target) + " whatever its uid");
    const bool is_pod = action.target.type == ResourceType::Pod;
    if (action.verb == Verb::Apply && is_pod && action.preconditions.uid.empty())
      fail(agent.client() + " changes " + to_string(action.target) + " whatever its uid");
    if (action.verb == Verb::Replace && action.preconditions.resource_version.empty())
      fail(agent.client() + " replaces " + to_string(action.target) + " whatever its version");
  }
};

}  // namespace

std::unique_ptr<Checker> make_precondition_checker(const Scene& scene) {
  return std::make_unique<Precondition>(scene);
}

}  // namespace ray_gitops::simulation
