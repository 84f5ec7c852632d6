#pragma once
// A checker looks on and reports what must never happen. One file each; every one has caught a
// planted bug (mutants.h).

#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/agent.h"
#include "tests/simulation/api.h"
#include "tests/simulation/core.h"
#include "tests/simulation/gcs.h"
#include "tests/simulation/git.h"
#include "tests/simulation/job_log.h"
#include "tests/simulation/ray_head.h"
#include "tests/simulation/service_log.h"
#include "tests/simulation/truth.h"
#include "tests/simulation/user.h"

namespace ray_gitops::simulation {

// What a checker may look at.
struct Scene {
  Core& core;
  const Api& api;
  const Git& git;
  const User& user;
  Truth& truth;
  JobLog& jobs;
  const RayHeads& heads;
  ServiceLog& services;
  const Gcs& gcs;
};

class Checker {
 public:
  Checker(const Scene& scene, std::string name) : scene_(scene), name_(std::move(name)) {}
  virtual ~Checker() = default;
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  // An agent's engine is about to be told.
  virtual void on_event(const Agent&, const engine::Event&) {}
  // An agent's engine asks for it; it is not carried out yet.
  virtual void on_effect(const Agent&, const engine::Effect&) {}
  // A write of an agent reached the store.
  virtual void on_write(const WriteSeen&) {}
  virtual void on_change(const local_cluster::Change&) {}
  // A push took effect; the branch still stands at its parent.
  virtual void on_status(const StatusCommit&) {}
  // A head took a submission.
  virtual void on_execution(const Execution&) {}
  // Nothing should happen any more from now on.
  virtual void on_silence() {}
  virtual void at_end() {}

 protected:
  void fail(const std::string& what) { scene_.core.report(name_, what); }
  const Scene& scene() const { return scene_; }
  Instant now() const { return scene_.core.timeline.instant(); }

 private:
  const Scene& scene_;
  std::string name_;
};

using Checkers = std::vector<std::unique_ptr<Checker>>;

// All of them.
Checkers make_checkers(const Scene& scene);

// Why the end state is not reached yet, a line each; empty when it is.
std::vector<std::string> missing_to_end_state(const Scene& scene);

}  // namespace ray_gitops::simulation
