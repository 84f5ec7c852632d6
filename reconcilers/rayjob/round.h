#pragma once
// One job's round: facts by reference and the plan under construction, with what reconciling and
// removing have in common.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/job_run.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/time.h"
#include "reconcilers/rayjob/names.h"
#include "reconcilers/rayjob/observed.h"

namespace ray_gitops::rayjob {

// What was ended by us is asked to stop for as long; Ray cannot stop a job that waits for resources
// (seen: it stays PENDING).
inline constexpr Duration k_stop_patience = std::chrono::seconds(30);

// Nothing is decided while one of these is Unknown (I1). The ledger is looked at where it matters.
std::optional<std::string> first_unknown(const JobObserved& observed);

Plan not_yet_known(Phase phase, const std::string& why);

class Round {
 public:
  Round(const ObjectKey& key, const JobObserved& observed, const std::string& agent_id, Now now)
      : key_(key), observed_(observed), agent_id_(agent_id), now_(now) {}

 protected:
  // Sorts the actions, says what keeps one of them from being done, and gives the plan away.
  Plan finish();

  void say(Phase phase, std::string reason, std::string message);
  void look_again_at(Instant when);
  void look_again_at(WallTime when);
  // The whole anchor again: from this declaration, in this state. Nothing that relies on either is
  // done in the same round (I3).
  void save(const Declaration& declaration, const JobState& next, const std::string& reason);
  void create(const ResourceKey& target, const Result<Document>& body, std::string reason);
  void replace(const ObjectMeta& live, const Result<Document>& body, std::string reason);
  void delete_anchor(std::string reason);
  void retire(const ConfigMapView& child, std::string reason);
  // For as long as it is not known whether clusters were leaving already: one that was must not be
  // brought back.
  void leave_clusters_as_they_are() { plan_.clusters_undecided = true; }
  // A request to the head of `cluster`.
  void ask(RayVerb verb, const JobCluster& cluster, const std::string& submission_id,
           std::string reason);
  // What was ended by us is asked to stop, if it is known to be ours and to run. True while that is
  // not over.
  bool stop_what_runs();

  const std::vector<ConfigMapView>& children() const { return observed_.children.value(); }
  const JobCluster* find_cluster(const std::string& name) const;
  const JobCluster* cluster_of_head(const std::string& head_uid) const;
  AttemptName attempt_of(const JobState& state) const {
    return {key_, state.run_hash, state.attempt};
  }
  // Nobody can tell now whether an outcome is on record.
  bool is_record_unknown() const {
    return !observed_.ledger_closed && !observed_.ledger.is_known();
  }
  // The run's outcome is in Git, or will never be: what is left of it may go.
  bool is_on_record(const std::string& run_hash) const;

  const ObjectKey& key_;
  const JobObserved& observed_;
  const std::string& agent_id_;
  Now now_;
  const ConfigMapView* anchor_ = nullptr;
  JobState state_;
  Plan plan_;

 private:
  void add(Action action) { plan_.actions.push_back(std::move(action)); }
  bool refuse_body(const Result<Document>& body);
  void report_refusal();
};

}  // namespace ray_gitops::rayjob
