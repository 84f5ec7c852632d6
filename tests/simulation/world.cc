#include "tests/simulation/world.h"

#include <utility>

#include "tests/simulation/mutants.h"

namespace ray_gitops::simulation {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration k_convergence_max = minutes(30);
// What was shown as settling is shown as settled, what was remembered is forgotten.
constexpr Duration k_aftermath = minutes(12);
constexpr Duration k_silence = minutes(30);

}  // namespace

Core World::make_core(std::uint64_t seed, const Faults& faults, bool verbose) {
  Core core(seed);
  core.faults = faults;
  core.verbose = verbose;
  return core;
}

World::World(std::uint64_t seed, const Faults& faults, bool verbose)
    : core(make_core(seed, faults, verbose)), checkers_(make_checkers(scene)) {
  connect();
  const int count = faults.second_agent ? 2 : 1;
  for (int number = 0; number < count; ++number)
    agents.push_back(std::make_unique<Agent>(core, Servers{api, git, heads, gcs}, hooks, number));
}

void World::connect() {
  api.on_change = [this](const local_cluster::Change& change) {
    kubelet.on_change(change);
    gcs.on_change(change);
    jobs.on_change(change);
    services.on_change(change);
    for (const auto& checker : checkers_) checker->on_change(change);
  };
  api.on_write = [this](const WriteSeen& write) {
    for (const auto& checker : checkers_) checker->on_write(write);
  };
  gcs.on_node_end = [this](const local_cluster::StoreKey& pod, const std::string& uid) {
    kubelet.end(pod, uid);
  };
  heads.on_serve = [this](const ObjectKey& cluster) { services.on_serve(cluster); };
  heads.on_disturbance = [this](const RunKey& run) { jobs.disturb(run); };
  heads.on_execution = [this](const Execution& execution) {
    for (const auto& checker : checkers_) checker->on_execution(execution);
  };
  git.on_status = [this](const StatusCommit& commit) {
    jobs.on_status(commit);
    for (const auto& checker : checkers_) checker->on_status(commit);
  };
  hooks.on_event = [this](const Agent& agent, engine::Event& event) {
    for (const auto& checker : checkers_) checker->on_event(agent, event);
  };
  hooks.on_effect = [this](const Agent& agent, const engine::Effect& effect) {
    for (const auto& checker : checkers_) checker->on_effect(agent, effect);
  };
}

void World::run_for(Duration duration) {
  const Instant end = core.timeline.instant() + duration;
  while (!has_failed() && core.timeline.run_next(end)) {
  }
}

void World::converge(Duration limit) {
  const Instant end = core.timeline.instant() + limit;
  std::vector<std::string> missing;
  while (!has_failed() && core.timeline.instant() < end) {
    run_for(seconds(10));
    missing = missing_to_end_state(scene);
    if (missing.empty()) return;
  }
  if (has_failed()) return;
  for (const std::string& what : missing) core.report("end state", what);
}

void World::calm_down() {
  core.note("calm");
  core.faults = Faults{};
  core.timeline.mend_wall();
  for (const auto& agent : agents)
    if (!agent->is_alive()) agent->start();
}

void World::keep_to(const std::set<std::string>& namespaces) {
  core.note("kept to " + std::to_string(namespaces.size()) + " namespaces");
  user.make_namespaces();
  core.namespaces = namespaces;
  for (const auto& agent : agents) {
    if (!agent->is_alive()) continue;  // it comes back with what is so then
    agent->crash();
    agent->start();
  }
}

void World::stay_silent(Duration duration) {
  core.note("silence");
  for (const auto& checker : checkers_) checker->on_silence();
  run_for(duration);
}

void World::finish() {
  if (has_failed()) return;
  for (const std::string& what : missing_to_end_state(scene)) core.report("end state", what);
  for (const auto& checker : checkers_) checker->at_end();
}

Outcome run_seed(std::uint64_t seed, const Mutant* mutant, bool verbose) {
  Random random(seed);
  const Faults faults = draw_faults(random);
  const Duration chaos = random.between(minutes(1), minutes(7));
  World world(random.next(), faults, verbose);
  if (random.chance(300)) world.keep_to({"default", k_team_ns});
  if (mutant != nullptr) mutant->plant(world.hooks);
  world.user.begin();
  for (const auto& agent : world.agents) agent->start();
  world.user.keep_busy();
  world.run_for(chaos);
  if (!world.has_failed()) {
    world.calm_down();
    world.user.calm_down();
    world.converge(k_convergence_max);
    world.run_for(k_aftermath);
    world.stay_silent(k_silence);
    world.finish();
  }
  return {std::move(world.core.violations), std::move(world.core.trace), world.core.digest};
}

}  // namespace ray_gitops::simulation
