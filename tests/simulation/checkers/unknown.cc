// Nothing is deleted by an engine that has not seen a complete list of all that decides on it, in
// its namespace at least.
#include <map>
#include <set>

#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

class UnknownIsNotAbsent : public Checker {
 public:
  explicit UnknownIsNotAbsent(const Scene& scene) : Checker(scene, "unknown") {}

  void on_event(const Agent& agent, const engine::Event& event) override {
    if (const auto* list = std::get_if<engine::ListCompleted>(&event))
      listed_[agent.client()].insert({list->type, list->ns});
  }

  void on_effect(const Agent& agent, const engine::Effect& effect) override {
    const auto* write = std::get_if<engine::SendWrite>(&effect);
    if (write == nullptr || write->action.verb != Verb::Delete) return;
    const bool is_kept = !scene().core.namespaces.empty();
    const std::string ns = is_kept ? write->action.target.ns : "";
    const auto& listed = listed_[agent.client()];
    for (const ResourceType type :
         {ResourceType::ConfigMap, ResourceType::Service, ResourceType::Pod})
      if (!listed.contains({type, ns}))
        fail(agent.client() + " deletes " + to_string(write->action.target) +
             " before it knows what there is");
  }

 private:
  std::map<std::string, std::set<std::pair<ResourceType, std::string>>> listed_;  // by client
};

}  // namespace

std::unique_ptr<Checker> make_unknown_checker(const Scene& scene) {
  return std::make_unique<UnknownIsNotAbsent>(scene);
}

}  // namespace ray_gitops::simulation
