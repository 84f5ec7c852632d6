// One write under way for each object, and one request to Ray for each submission, and for each
// cluster that serves.
#include <map>

#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

class Flight : public Checker {
 public:
  explicit Flight(const Scene& scene) : Checker(scene, "flight") {}

  void on_event(const Agent& agent, const engine::Event& event) override {
    if (const auto* answer = std::get_if<engine::WriteAnswered>(&event))
      std::erase_if(under_way_[agent.client()],
                    [&](const auto& entry) { return entry.second == answer->write_id; });
    if (const auto* answer = std::get_if<engine::RayAnswered>(&event))
      std::erase_if(asked_[agent.client()],
                    [&](const auto& entry) { return entry.second == answer->request_id; });
    if (const auto* answer = std::get_if<engine::GcsAnswered>(&event))
      std::erase_if(gcs_asked_[agent.client()],
                    [&](const auto& entry) { return entry.second == answer->request_id; });
  }

  void on_ask(const Agent& agent, const engine::AskRay& ask) {
    const std::string& topic =
        ask.request.cluster.empty() ? ask.request.submission_id : ask.request.cluster;
    if (topic.empty()) return;
    const auto [found, is_new] = asked_[agent.client()].try_emplace(topic, ask.request_id);
    if (!is_new)
      fail(agent.client() + " asks about " + found->first +
           " while a request about it is under way");
  }

  // One question of a kind to a life of a head, one drain of a node.
  void on_ask(const Agent& agent, const engine::AskGcs& ask) {
    const auto* drain = std::get_if<DrainRequest>(&ask.request.body);
    const std::string topic = ask.request.head_uid + " " + method_of(ask.request) +
                              (drain == nullptr ? "" : " " + drain->node_id);
    if (!gcs_asked_[agent.client()].try_emplace(topic, ask.request_id).second)
      fail(agent.client() + " asks " + topic + " while that is under way");
  }

  void on_effect(const Agent& agent, const engine::Effect& effect) override {
    if (const auto* ask = std::get_if<engine::AskRay>(&effect)) on_ask(agent, *ask);
    if (const auto* ask = std::get_if<engine::AskGcs>(&effect)) on_ask(agent, *ask);
    const auto* write = std::get_if<engine::SendWrite>(&effect);
    if (write == nullptr) return;
    const auto [found, is_new] =
        under_way_[agent.client()].try_emplace(write->action.target, write->write_id);
    if (!is_new)
      fail(agent.client() + " writes to " + to_string(found->first) +
           " while a write of it is under way");
  }

 private:
  std::map<std::string, std::map<ResourceKey, std::uint64_t>> under_way_;
  std::map<std::string, std::map<std::string, std::uint64_t>> gcs_asked_;
  std::map<std::string, std::map<std::string, std::uint64_t>>
      asked_;  // by submission id or cluster
};

}  // namespace

std::unique_ptr<Checker> make_flight_checker(const Scene& scene) {
  return std::make_unique<Flight>(scene);
}

}  // namespace ray_gitops::simulation
