#pragma once
// One run: all actors, all checkers.

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/agent.h"
#include "tests/simulation/api.h"
#include "tests/simulation/checkers/checker.h"
#include "tests/simulation/core.h"
#include "tests/simulation/gcs.h"
#include "tests/simulation/git.h"
#include "tests/simulation/job_log.h"
#include "tests/simulation/kubelet.h"
#include "tests/simulation/ray_head.h"
#include "tests/simulation/service_log.h"
#include "tests/simulation/truth.h"
#include "tests/simulation/user.h"

namespace ray_gitops::simulation {

class World {
 public:
  // `faults` exist until calm_down.
  World(std::uint64_t seed, const Faults& faults, bool verbose = false);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Lets time pass.
  void run_for(Duration duration);
  // Until the end state is reached; a violation when that takes longer than `limit`.
  void converge(Duration limit);
  // From now on everything works, and every agent is there.
  void calm_down();
  // The agents' configuration is changed: from now on they look at these namespaces only, of which
  // people make those that are not there.
  void keep_to(const std::set<std::string>& namespaces);
  // For so long nothing may happen.
  void stay_silent(Duration duration);
  void finish();
  bool has_failed() const { return !core.violations.empty(); }

  Core core;
  Api api{core};
  Git git{core};
  RayHeads heads{core, api};
  Gcs gcs{core, api, heads};
  Kubelet kubelet{core, api};
  User user{core, api, git, gcs};
  Truth truth{api};
  JobLog jobs{core, truth};
  ServiceLog services{core, truth, heads};
  Scene scene{core, api, git, user, truth, jobs, heads, services, gcs};
  Hooks hooks;
  std::vector<std::unique_ptr<Agent>> agents;

 private:
  static Core make_core(std::uint64_t seed, const Faults& faults, bool verbose);
  void connect();

  Checkers checkers_;
};

struct Outcome {
  std::vector<Violation> violations;
  std::vector<std::string> trace;
  std::uint64_t digest = 0;  // of all effects in order
};

class Mutant;

// Chaos, calm, silence, as the seed draws them. Stops at the first violation.
Outcome run_seed(std::uint64_t seed, const Mutant* mutant = nullptr, bool verbose = false);

}  // namespace ray_gitops::simulation
