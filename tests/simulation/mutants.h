#pragma once
// Planted bugs: the engine as shipped behind a shim that does one thing wrong. A checker that does
// not catch its mutant within a few seeds, or in the story that leads there, is decoration.

#include <functional>
#include <string>
#include <vector>

#include "tests/simulation/agent.h"

namespace ray_gitops::simulation {

class Mutant {
 public:
  Mutant(std::string name, std::string caught_by, std::function<void(Hooks&)> plant,
         std::string story = {})
      : name_(std::move(name)),
        caught_by_(std::move(caught_by)),
        story_(std::move(story)),
        plant_(std::move(plant)) {}

  const std::string& name() const { return name_; }
  // The checker whose job it is.
  const std::string& caught_by() const { return caught_by_; }
  // The story in which it is caught; empty: in a few seeds.
  const std::string& story() const { return story_; }
  void plant(Hooks& hooks) const { plant_(hooks); }

 private:
  std::string name_;
  std::string caught_by_;
  std::string story_;
  std::function<void(Hooks&)> plant_;
};

using EffectsHook = std::function<void(const Agent&, engine::Effects&)>;
using EventHook = std::function<void(const Agent&, engine::Event&)>;

// The mutant sees an event after the checkers have.
void change_events(Hooks& hooks, EventHook change);
// For each write the engine asks for.
std::function<void(Hooks&)> change_writes(const std::function<void(engine::SendWrite&)>& change);
// Every object that the event shows.
void visit_views(engine::Event& event, const std::function<void(ResourceView&)>& visit);
// A write that the engine did not ask for: it ignores the answer.
engine::SendWrite planted(Action action);
engine::SendWrite planted_delete(const ResourceKey& target, const std::string& uid);

const std::vector<Mutant>& mutants();
// Those that are about jobs, about services, and about clusters that scale.
std::vector<Mutant> job_mutants();
std::vector<Mutant> service_mutants();
std::vector<Mutant> scaling_mutants();

}  // namespace ray_gitops::simulation
