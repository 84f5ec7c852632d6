// An agent that is kept to some namespaces asks for nothing and writes nothing elsewhere, and does
// not look which Namespaces there are.
#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

class Reach : public Checker {
 public:
  explicit Reach(const Scene& scene) : Checker(scene, "reach") {}

  void on_effect(const Agent& agent, const engine::Effect& effect) override {
    if (scene().core.namespaces.empty()) return;
    if (const auto* list = std::get_if<engine::StartList>(&effect))
      check(agent, list->type == ResourceType::Namespace ? "" : list->ns, effect);
    if (const auto* watch = std::get_if<engine::StartWatch>(&effect))
      check(agent, watch->ns, effect);
    if (const auto* read = std::get_if<engine::SendRead>(&effect))
      check(agent, read->key.ns, effect);
    if (const auto* write = std::get_if<engine::SendWrite>(&effect))
      check(agent, write->action.target.ns, effect);
  }

 private:
  // What is in no namespace, a Namespace among it, is out of reach too.
  void check(const Agent& agent, const std::string& ns, const engine::Effect& effect) {
    if (!scene().core.is_in_reach(ns))
      fail(agent.client() + " reaches too far: " + describe(effect));
  }
};

}  // namespace

std::unique_ptr<Checker> make_reach_checker(const Scene& scene) {
  return std::make_unique<Reach>(scene);
}

}  // namespace ray_gitops::simulation
