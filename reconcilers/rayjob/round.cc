#include "reconcilers/rayjob/round.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/rayjob/attempt.h"

namespace ray_gitops::rayjob {

std::optional<std::string> first_unknown(const JobObserved& observed) {
  if (!observed.anchor.is_known()) return observed.anchor.why();
  if (!observed.children.is_known()) return observed.children.why();
  if (!observed.clusters.is_known()) return observed.clusters.why();
  return std::nullopt;
}

Plan not_yet_known(Phase phase, const std::string& why) {
  Plan plan;
  plan.phase = phase;
  plan.reason = "NotYetKnown";
  plan.message = why;
  plan.clusters_undecided = true;
  plan.conditions = {{"Succeeded", false, plan.reason, plan.message}};
  return plan;
}

Plan Round::finish() {
  std::sort(plan_.actions.begin(), plan_.actions.end(),
            [](const Action& left, const Action& right) {
              return std::tie(left.wave, left.target, left.verb) <
                     std::tie(right.wave, right.target, right.verb);
            });
  report_refusal();
  plan_.conditions = {{"Succeeded", plan_.phase == Phase::Succeeded, plan_.reason, plan_.message}};
  return std::move(plan_);
}

// What keeps a write from being done is what there is to say.
void Round::report_refusal() {
  for (const Action& action : plan_.actions) {
    const auto found = observed_.refusals.find(action.target);
    if (found == observed_.refusals.end()) continue;
    const Error& error = found->second.error;
    const bool taken = action.verb == Verb::Create && error.code == ErrorCode::AlreadyExists;
    if (plan_.phase != Phase::Removing) plan_.phase = taken ? Phase::Blocked : Phase::Degraded;
    plan_.reason = taken ? "NameTaken" : "WriteRefused";
    plan_.message =
        to_string(action.target) + (taken ? " exists and is not ours; rename or delete it"
                                          : ": " + describe(error) + " (" + plan_.message + ")");
    return;
  }
}

void Round::say(Phase phase, std::string reason, std::string message) {
  plan_.phase = phase;
  plan_.reason = std::move(reason);
  plan_.message = std::move(message);
}

void Round::look_again_at(Instant when) {
  if (!plan_.next_look_at || when < *plan_.next_look_at) plan_.next_look_at = when;
}

void Round::look_again_at(WallTime when) {
  look_again_at(now_.monotonic + std::max(when - now_.wall, Duration{0}));
}

bool Round::refuse_body(const Result<Document>& body) {
  if (body) return false;
  say(Phase::Blocked, name_of(body.error().code), describe(body.error()));
  return true;
}

void Round::save(const Declaration& declaration, const JobState& next, const std::string& reason) {
  replace(anchor_->meta, job_anchor_body(declaration, next, agent_id_), reason);
}

void Round::replace(const ObjectMeta& live, const Result<Document>& body, std::string reason) {
  if (refuse_body(body)) return;
  add({.verb = Verb::Replace,
       .target = live.key,
       .body = *body,
       .preconditions = {.uid = live.uid, .resource_version = live.resource_version},
       .wave = 0,
       .reason = std::move(reason)});
}

void Round::create(const ResourceKey& target, const Result<Document>& body, std::string reason) {
  if (refuse_body(body)) return;
  add({.verb = Verb::Create,
       .target = target,
       .body = *body,
       .preconditions = {},
       .wave = 0,
       .reason = std::move(reason)});
}

void Round::delete_anchor(std::string reason) {
  add({.verb = Verb::Delete,
       .target = anchor_->meta.key,
       .body = {},
       .preconditions = {.uid = anchor_->meta.uid, .resource_version = {}},
       .wave = 0,
       .reason = std::move(reason)});
}

// A child whose key was edited away is nobody's to reconcile; it leaves with the job's anchor.
void Round::retire(const ConfigMapView& child, std::string reason) {
  if (const Result<ObjectKey> key = anchored_key(child))
    plan_.retirements.push_back({*key, std::move(reason)});
}

void Round::ask(RayVerb verb, const JobCluster& cluster, const std::string& submission_id,
                std::string reason) {
  plan_.ray_request = RayRequest{.verb = verb,
                                 .head_uid = cluster.head_uid,
                                 .address = cluster.head_address,
                                 .submission_id = submission_id,
                                 .body = {},
                                 .reason = std::move(reason)};
}

bool Round::stop_what_runs() {
  if (!may_still_run(state_) || now_.wall >= state_.finished_at + k_stop_patience) return false;
  const JobCluster* cluster = cluster_of_head(state_.head_uid);
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

const JobCluster* Round::find_cluster(const std::string& name) const {
  const auto& clusters = observed_.clusters.value();
  const auto found = clusters.find(name);
  return found == clusters.end() ? nullptr : &found->second;
}

const JobCluster* Round::cluster_of_head(const std::string& head_uid) const {
  for (const auto& [name, cluster] : observed_.clusters.value())
    if (cluster.head_uid == head_uid) return &cluster;
  return nullptr;
}

bool Round::is_on_record(const std::string& run_hash) const {
  if (observed_.ledger_closed) return true;
  return observed_.ledger.is_known() && find_run(observed_.ledger.value(), run_hash) != nullptr;
}

}  // namespace ray_gitops::rayjob
