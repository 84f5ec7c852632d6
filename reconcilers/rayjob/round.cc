#include "reconcilers/rayjob/round.h"

#include <utility>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/rayjob/attempt.h"

namespace ray_gitops::rayjob {

std::optional<std::string> first_unknown(const JobObserved& observed) {
  if (!observed.anchor.is_known()) return observed.anchor.why();
  if (!observed.children.is_known()) return observed.children.why();
  if (!observed.clusters.is_known()) return observed.clusters.why();
  return std::nullopt;
}

Plan not_yet_known(Phase phase, const std::string& why) {
  Plan plan = parent::not_yet_known(phase, why);
  plan.conditions = {{"Succeeded", false, plan.reason, plan.message}};
  return plan;
}

Plan Round::finish() {
  close_plan();
  plan_.conditions = {{"Succeeded", plan_.phase == Phase::Succeeded, plan_.reason, plan_.message}};
  return std::move(plan_);
}

void Round::save(const Declaration& declaration, const JobState& next, const std::string& reason) {
  replace(anchor_->meta, job_anchor_body(declaration, next, agent_id_), reason);
}

void Round::ask(RayVerb verb, const ClusterFacts& cluster, const std::string& submission_id,
                std::string reason) {
  plan_.ray_requests = {RayRequest{.verb = verb,
                                   .cluster = {},
                                   .head_uid = cluster.head_uid,
                                   .head_pod = cluster.head_pod,
                                   .address = cluster.head_address,
                                   .token_secret = cluster.token_secret,
                                   .submission_id = submission_id,
                                   .config_digest = {},
                                   .body = {},
                                   .reason = std::move(reason)}};
}

bool Round::stop_what_runs() {
  if (!may_still_run(state_) || now_.wall >= state_.finished_at + k_stop_patience) return false;
  const ClusterFacts* cluster = cluster_of_head(state_.head_uid);
  if (cluster == nullptr || cluster->head_address.empty()) return false;
  const HeadAnswers& answers = answers_of(observed_.head, state_.head_uid, state_.submission_id);
  look_again_at(state_.finished_at + k_stop_patience);
  if (!answers.job) {
    ask(RayVerb::GetJob, *cluster, state_.submission_id, "does what was ended still run?");
    return true;
  }
  const std::optional<RayJobInfo>& job = *answers.job;
  const bool ours = job && job->run == run_tag(attempt_of(state_));
  if (job && (!ours || has_ended(job->status))) return false;
  // One that is not there yet may come: a submission that was not answered may still be on its way.
  const Instant due = answers.job_answered_at + k_job_poll_interval;
  if (now_.monotonic < due)
    look_again_at(due);
  else if (ours)
    ask(RayVerb::StopJob, *cluster, state_.submission_id, "its run has ended: " + state_.reason);
  else
    ask(RayVerb::GetJob, *cluster, state_.submission_id, "does what was ended still run?");
  return true;
}

const ClusterFacts* Round::find_cluster(const std::string& name) const {
  const auto& clusters = observed_.clusters.value();
  const auto found = clusters.find(name);
  return found == clusters.end() ? nullptr : &found->second;
}

const ClusterFacts* Round::cluster_of_head(const std::string& head_uid) const {
  for (const auto& [name, cluster] : observed_.clusters.value())
    if (cluster.head_uid == head_uid) return &cluster;
  return nullptr;
}

bool Round::is_on_record(const std::string& run_hash) const {
  if (observed_.ledger_closed) return true;
  return observed_.ledger.is_known() && find_run(observed_.ledger.value(), run_hash) != nullptr;
}

}  // namespace ray_gitops::rayjob
