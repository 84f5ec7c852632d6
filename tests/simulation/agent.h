#pragma once
// A process of the agent: the shipped engine, its events and effects, its crashes.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/engine/engine.h"
#include "tests/simulation/api.h"
#include "tests/simulation/core.h"
#include "tests/simulation/gcs.h"
#include "tests/simulation/git.h"
#include "tests/simulation/ray_head.h"

namespace ray_gitops::simulation {

class Agent;

// What stands between the engine and the world: checkers look on, a mutant changes what it sees.
struct Hooks {
  std::function<void(const Agent&, engine::Event&)> on_event;
  std::function<void(const Agent&, engine::Effects&)> change_effects;  // of a mutant
  std::function<void(const Agent&, const engine::Effect&)> on_effect;
  std::function<void(engine::EngineOptions&)> change_options;  // of a mutant
  bool ticks_without_end = false;  // of a mutant: a deadline is always due
  bool sends_late = false;         // of a mutant: what waited is sent whatever the Lease
};

// Who answers an agent.
struct Servers {
  Api& api;
  Git& git;
  RayHeads& heads;
  Gcs& gcs;
};

std::string describe(const engine::Effect& effect);
std::string describe(const engine::Event& event);

class Agent {
 public:
  Agent(Core& core, const Servers& servers, const Hooks& hooks, int number);

  void start();
  // The process is killed: what was sent is on its way, what comes back is dropped.
  void crash();
  // Crashes once this many effects (records of the log and polls of a GCS not counted) were carried
  // out, and comes back; 0: never.
  void crash_after(std::int64_t effects) { crash_after_ = effects; }
  void deliver(engine::Event event);

  // The process is stopped for so long: what comes and what it was about to send waits.
  void freeze(Duration duration);

  bool is_alive() const { return engine_ != nullptr; }
  // Of this life of it: "agent-0#3".
  std::string client() const {
    return "agent-" + std::to_string(number_) + "#" + std::to_string(life_);
  }
  // What its Lease names.
  const std::string& instance() const { return instance_; }
  std::int64_t effects() const { return effects_; }
  const engine::Engine* engine() const { return engine_.get(); }

 private:
  void carry_out(const engine::Effects& effects);
  void carry_out(const engine::Effect& effect);
  // A write or push leaves, or is told that the Lease it was decided under has ended.
  void leave(const engine::Effect& effect);
  bool may_leave(const engine::Effect& effect) const;
  void refuse(const engine::Effect& effect);
  void thaw();
  bool crashes_now();
  void schedule_tick();
  void come_back_later();
  Deliver ear();

  Core& core_;
  Servers servers_;
  const Hooks& hooks_;
  int number_ = 0;
  int life_ = 0;
  std::string instance_;
  std::unique_ptr<engine::Engine> engine_;
  std::uint64_t tick_ = 0;  // the scheduled one; earlier ones are void
  Instant last_tick_;
  bool frozen_ = false;
  std::vector<engine::Event> unread_;
  std::vector<engine::Effect> unsent_;
  engine::HoldLease lease_;
  std::int64_t effects_ = 0;
  std::int64_t crash_after_ = 0;
};

}  // namespace ray_gitops::simulation
