// Nothing is done in a hot loop: Ticks without news, and the same request again and again.
#include <deque>
#include <map>

#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

constexpr std::size_t k_ticks_max = 40;  // in a second without any news
constexpr Duration k_tick_window = std::chrono::seconds(1);
constexpr std::size_t k_requests_max = 25;  // the same one in ten seconds
constexpr Duration k_request_window = std::chrono::seconds(10);

using Times = std::deque<Instant>;

std::size_t count(Times& times, Instant now, Duration window) {
  times.push_back(now);
  while (now - times.front() > window) times.pop_front();
  return times.size();
}

// What counts as the same request; empty for what is none.
std::string request_of(const engine::Effect& effect) {
  if (const auto* write = std::get_if<engine::SendWrite>(&effect))
    return std::string(name_of(write->action.verb)) + " " + to_string(write->action.target);
  if (std::holds_alternative<engine::WriteLog>(effect)) return {};
  const std::string text = describe(effect);
  if (std::holds_alternative<engine::SendRead>(effect) ||
      std::holds_alternative<engine::AskRay>(effect) ||
      std::holds_alternative<engine::AskGcs>(effect))
    return text;
  return text.substr(0, text.find(' ', text.find(' ') + 1));
}

class Pace : public Checker {
 public:
  explicit Pace(const Scene& scene) : Checker(scene, "pace") {}

  void on_event(const Agent& agent, const engine::Event& event) override {
    Times& ticks = ticks_[agent.client()];
    if (!std::holds_alternative<engine::Tick>(event)) return ticks.clear();
    if (count(ticks, now(), k_tick_window) <= k_ticks_max) return;
    fail(agent.client() + " ticks in a loop");
    ticks.clear();
  }

  void on_effect(const Agent& agent, const engine::Effect& effect) override {
    const std::string request = request_of(effect);
    if (request.empty()) return;
    Times& times = requests_[agent.client() + " " + request];
    if (count(times, now(), k_request_window) <= k_requests_max) return;
    fail(agent.client() + " asks in a loop: " + request);
    times.clear();
  }

 private:
  std::map<std::string, Times> ticks_;
  std::map<std::string, Times> requests_;
};

}  // namespace

std::unique_ptr<Checker> make_pace_checker(const Scene& scene) {
  return std::make_unique<Pace>(scene);
}

}  // namespace ray_gitops::simulation
