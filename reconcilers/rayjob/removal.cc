#include <utility>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/rayjob/attempt.h"
#include "reconcilers/rayjob/reconcile.h"
#include "reconcilers/rayjob/round.h"
#include "reconcilers/rayjob/run_state.h"

namespace ray_gitops::rayjob {
namespace {

class Removing : private Round {
 public:
  using Round::Round;
  Plan run();

 private:
  void decide();
  bool save_outcome();
  void leave(bool stopping);
};

Plan Removing::run() {
  say(Phase::Removing, "FileRemoved", to_string(key_) + " leaves: its file is gone");
  decide();
  return finish();
}

void Removing::decide() {
  const auto& anchor = observed_.anchor.value();
  if (!anchor) return;
  if (is_leaving(*anchor)) {
    plan_.message += "; its anchor is being deleted";
    return;
  }
  Result<JobState> state = anchored_job_state(*anchor_);
  if (!state || !observed_.anchored) return leave(/*stopping=*/false);
  state_ = std::move(*state);
  if (save_outcome()) return;
  if (has_ended(state_.stage) && is_record_unknown()) leave_clusters_as_they_are();
  const bool stopping = stop_what_runs();
  if (has_ended(state_.stage) && !is_on_record(state_.run_hash))
    plan_.message += "; its outcome is being published before anything of it leaves";
  else
    leave(stopping);
}

// A run of which something was submitted has ended with this, and does not run again when the file
// comes back; one that still waited for its first cluster has not run.
bool Removing::save_outcome() {
  if (has_ended(state_.stage)) return false;
  if (state_.stage == JobStage::Waiting && state_.attempt == 1) return false;
  const Ending ending{JobStage::Stopped, k_file_removed, "its file was removed before it had ended",
                      /*may_retry=*/false};
  save(*observed_.anchored, ended_run(state_, ending, now_.wall), "its file is gone");
  plan_.message += "; its outcome is being saved";
  return true;
}

void Removing::leave(bool stopping) {
  for (const ConfigMapView& child : children()) retire(child, "the file of its job is gone");
  if (!plan_.retirements.empty())
    plan_.message += "; its clusters are leaving";
  else if (stopping)
    plan_.message += "; what was running is being stopped";
  else
    remove(anchor_->meta, "its file is gone");
}

}  // namespace

Plan plan_removal(const ObjectKey& key, const JobObserved& observed, const std::string& agent_id,
                  Now now) {
  if (const auto unknown = first_unknown(observed)) return not_yet_known(Phase::Removing, *unknown);
  return Removing(key, observed, agent_id, now).run();
}

}  // namespace ray_gitops::rayjob
