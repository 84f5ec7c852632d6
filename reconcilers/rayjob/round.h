#pragma once
// One job's round: facts by reference and the plan under construction, with what reconciling and
// removing have in common.

#include <optional>
#include <string>
#include <vector>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/job_run.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/time.h"
#include "reconcilers/parent/parent_round.h"
#include "reconcilers/rayjob/names.h"
#include "reconcilers/rayjob/observed.h"

namespace ray_gitops::rayjob {

// What was ended by us is asked to stop for as long; Ray cannot stop a job that waits for resources
// (seen: it stays PENDING).
inline constexpr Duration k_stop_patience = std::chrono::seconds(30);

// Nothing is decided while one of these is Unknown (I1). The ledger is looked at where it matters.
std::optional<std::string> first_unknown(const JobObserved& observed);

Plan not_yet_known(Phase phase, const std::string& why);

class Round : protected parent::ParentRound {
 public:
  Round(const ObjectKey& key, const JobObserved& observed, const std::string& agent_id, Now now)
      : ParentRound(key, observed.refusals, agent_id, now), observed_(observed) {}

 protected:
  // Sorts the actions, says what keeps one of them from being done, and gives the plan away.
  Plan finish();

  // The whole anchor again: from this declaration, in this state. Nothing that relies on either is
  // done in the same round (I3).
  void save(const Declaration& declaration, const JobState& next, const std::string& reason);
  // A request to the head of `cluster`.
  void ask(RayVerb verb, const ClusterFacts& cluster, const std::string& submission_id,
           std::string reason);
  // What was ended by us is asked to stop, if it is known to be ours and to run. True while that is
  // not over.
  bool stop_what_runs();

  const std::vector<ConfigMapView>& children() const { return observed_.children.value(); }
  const ClusterFacts* find_cluster(const std::string& name) const;
  const ClusterFacts* cluster_of_head(const std::string& head_uid) const;
  AttemptName attempt_of(const JobState& state) const {
    return {key_, state.run_hash, state.attempt};
  }
  // Nobody can tell now whether an outcome is on record.
  bool is_record_unknown() const {
    return !observed_.ledger_closed && !observed_.ledger.is_known();
  }
  // The run's outcome is in Git, or will never be: what is left of it may go.
  bool is_on_record(const std::string& run_hash) const;

  const JobObserved& observed_;
  JobState state_;
};

}  // namespace ray_gitops::rayjob
