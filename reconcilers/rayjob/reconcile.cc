#include "reconcilers/rayjob/reconcile.h"

#include <optional>
#include <utility>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/parent/child.h"
#include "reconcilers/parent/ray_text.h"
#include "reconcilers/rayjob/attempt.h"
#include "reconcilers/rayjob/health.h"
#include "reconcilers/rayjob/requests.h"
#include "reconcilers/rayjob/round.h"
#include "reconcilers/rayjob/run_state.h"

namespace ray_gitops::rayjob {
namespace {

class Reconciling : private Round {
 public:
  Reconciling(const Declaration& declaration, const JobObserved& observed,
              const std::string& agent_id, Now now)
      : Round(declaration.key, observed, agent_id, now),
        file_(declaration),
        wanted_(std::get<RayJobSpec>(declaration.spec)),
        declaration_(&declaration),
        spec_(&wanted_) {}

  Plan run();

 private:
  void decide();
  void begin();
  void keep_to_the_run_in_progress();
  void retire_others();
  bool change_run();
  bool suspend();
  bool supersede();
  bool start_wanted_run();
  bool save_document();
  void go_on();
  void rest();
  void resume();
  void prepare();
  bool ensure_cluster();
  void update_cluster();
  void wait_for_head();
  void attend();
  void ask_about(const AttemptNews& news, const ClusterFacts& cluster);
  bool miss_deadline(bool is_running, bool may_judge);
  void end_attempt(const Ending& ending);
  void after_end();

  JobState start_of_wanted(FinishedRuns finished) const;
  FinishedRuns known_runs() const;
  bool suspends() const { return wanted_.suspend && wanted_.cluster_selector.empty(); }
  bool is_the_wanted_run() const { return state_.run_hash == wanted_.run_hash; }
  // Is what the declaration says what the run in the anchor does?
  bool knows_run() const { return state_.run_hash == spec_->run_hash; }
  bool has_own_cluster() const { return spec_->cluster_selector.empty(); }
  std::string cluster_name() const { return has_own_cluster() ? child_name_ : selected(); }
  const std::string& selected() const { return spec_->cluster_selector; }
  Declaration wanted_cluster() const {
    return parent::child_declaration(*declaration_, spec_->cluster,
                                     {Kind::RayCluster, key_.ns, child_name_});
  }

  const Declaration& file_;
  const RayJobSpec& wanted_;
  // What is being done: as the file says, or as the anchor says while an edit waits.
  const Declaration* declaration_;
  const RayJobSpec* spec_;
  // Of the attempt in the anchor:
  std::string child_name_;
  const ConfigMapView* child_ = nullptr;
  std::optional<RayJobInfo> job_;
};

Plan Reconciling::run() {
  decide();
  return finish();
}

void Reconciling::decide() {
  const auto& anchor = observed_.anchor.value();
  if (!anchor) return begin();
  if (is_leaving(*anchor))
    return say(Phase::Progressing, "AnchorLeaving",
               "its anchor is being deleted; it is made again once that is done");
  Result<JobState> state = anchored_job_state(*anchor_);
  if (!state) {
    leave_clusters_as_they_are();
    return say(Phase::Blocked, "StateUnreadable",
               "what has run is not known: " + describe(state.error()) + "; delete " +
                   to_string(anchor_->meta.key) + " to let the ledger in the status branch decide");
  }
  state_ = std::move(*state);
  keep_to_the_run_in_progress();
  retire_others();
  if (!change_run() && !save_document()) go_on();
  plan_.ray =
      ray_facts(state_, child_ != nullptr || !has_own_cluster() ? cluster_name() : "", job_);
}

// Without an anchor the ledger alone knows what has run.
void Reconciling::begin() {
  if (!observed_.ledger.is_known())
    return say(Phase::Pending, "NotYetKnown",
               "nothing is run before the status branch has been read: " + observed_.ledger.why());
  say(Phase::Applying, "CreatingAnchor", "its anchor is being created");
  create(anchor_key(key_),
         job_anchor_body(file_, start_of_wanted(observed_.ledger.value()), agent_id_),
         "the job is declared and has no anchor yet");
}

JobState Reconciling::start_of_wanted(FinishedRuns finished) const {
  if (const FinishedRun* run = find_run(finished, wanted_.run_hash))
    return recorded_run(*run, finished);
  return suspends() ? suspended_run(wanted_.run_hash, std::move(finished))
                    : first_attempt(wanted_.run_hash, now_.wall, std::move(finished));
}

FinishedRuns Reconciling::known_runs() const {
  return observed_.ledger.is_known() ? merge_runs(state_.finished, observed_.ledger.value())
                                     : state_.finished;
}

// An edit of the run waits while an attempt is submitted.
void Reconciling::keep_to_the_run_in_progress() {
  if (state_.stage != JobStage::Submitting || is_the_wanted_run() || !observed_.anchored) return;
  const auto* spec = std::get_if<RayJobSpec>(&observed_.anchored->spec);
  if (spec == nullptr || spec->run_hash != state_.run_hash) return;
  declaration_ = &*observed_.anchored;
  spec_ = spec;
}

// Whatever was made for another run or attempt.
void Reconciling::retire_others() {
  const ObjectKey wanted = child_key(attempt_of(state_), anchor_->meta.uid);
  child_name_ = wanted.name;
  for (const ConfigMapView& child : children()) {
    if (child.meta.key == anchor_key(wanted))
      child_ = &child;
    else
      retire(child, "it was made for an earlier attempt or run");
  }
}

// True when the anchor is about to speak of another run, or of this one from the beginning: nothing
// else is done then.
bool Reconciling::change_run() {
  switch (state_.stage) {
    case JobStage::Submitting:
      // A selected cluster would not go away with the run.
      return suspends() && has_own_cluster() && suspend();
    case JobStage::Waiting:
      if (!is_the_wanted_run() && state_.attempt > 1) return supersede();
      if (!is_the_wanted_run() || find_run(known_runs(), wanted_.run_hash) != nullptr)
        return start_wanted_run();
      return suspends() && has_begun(state_) && suspend();
    case JobStage::Succeeded:
    case JobStage::Failed:
    case JobStage::Stopped:
      break;
  }
  if (is_the_wanted_run() || !is_on_record(state_.run_hash)) return false;
  // Its own cluster goes, whatever runs on it; a selected one would run two jobs for one.
  if (child_ == nullptr && stop_what_runs()) return false;
  return start_wanted_run();
}

bool Reconciling::suspend() {
  say(Phase::Applying, "Suspending", "it is being suspended by its file");
  save(file_, suspended_run(wanted_.run_hash, known_runs()), "it is suspended by its file");
  return true;
}

bool Reconciling::supersede() {
  say(Phase::Applying, "Superseded", parent::edit_of(file_) + " declares another run");
  const std::string message =
      "another run was declared before a further attempt; the one before: " + state_.message;
  save(file_, ended_run(state_, {JobStage::Failed, "Superseded", message, false}, now_.wall),
       "another run is declared");
  return true;
}

bool Reconciling::start_wanted_run() {
  const bool known = find_run(known_runs(), wanted_.run_hash) != nullptr;
  const std::string reason = known ? "what is declared has run before" : "another run is declared";
  say(Phase::Applying, "RunChanged", reason);
  save(file_, start_of_wanted(known_runs()), reason);
  return true;
}

// Other edits take effect at once.
bool Reconciling::save_document() {
  if (anchor_->spec_hash == declaration_->spec_hash || !knows_run()) return false;
  say(Phase::Applying, "DocumentChanged", "its document changed");
  save(*declaration_, state_, "its document changed");
  return true;
}

void Reconciling::go_on() {
  if (has_ended(state_.stage)) return after_end();
  if (state_.stage == JobStage::Submitting) return attend();
  if (suspends()) return rest();
  if (!has_begun(state_)) return resume();
  prepare();
}

void Reconciling::rest() {
  if (child_ != nullptr) retire(*child_, "the job is suspended");
  if (children().empty())
    say(Phase::Suspended, "Suspended", "suspended by its file; it has no cluster");
  else
    say(Phase::Progressing, "Suspending", "suspended by its file; its cluster is leaving");
}

// The cluster from before would bring its head and the job on it back under the same names.
void Reconciling::resume() {
  if (!children().empty()) {
    if (child_ != nullptr) retire(*child_, "the job was suspended");
    return say(Phase::Progressing, "Resuming",
               "it begins once the cluster from before it was suspended is gone");
  }
  save(file_, first_attempt(state_.run_hash, now_.wall, known_runs()), "it is resumed");
  say(Phase::Applying, "Resuming", "it is being resumed");
}

void Reconciling::prepare() {
  if (miss_deadline(/*is_running=*/false, /*may_judge=*/true)) return;
  if (!has_own_cluster() || ensure_cluster()) wait_for_head();
  plan_.message = attempt_prefix(state_, *spec_) + plan_.message;
  if (!state_.message.empty()) plan_.message += "; the attempt before: " + state_.message;
}

bool Reconciling::ensure_cluster() {
  const char* reason = "WaitingForCluster";
  const std::string name = "RayCluster " + child_name_;
  if (child_ != nullptr && child_->meta.terminating) {
    say(Phase::Progressing, reason, name + " is being deleted; it is made again after that");
    return false;
  }
  if (child_ != nullptr) {
    update_cluster();
    return true;
  }
  if (!children().empty()) {
    say(Phase::Progressing, reason, name + " is made once the cluster before it is gone");
    return false;
  }
  say(Phase::Progressing, reason, name + " is being made");
  create_child(wanted_cluster(),
               "the job needs a cluster for attempt " + std::to_string(state_.attempt));
  return false;
}

// What may change without another run: what scales it.
void Reconciling::update_cluster() {
  if (child_ == nullptr || child_->meta.terminating || !has_own_cluster() || !knows_run()) return;
  update_child(*child_, wanted_cluster(), "the cluster's document in the job changed");
}

void Reconciling::wait_for_head() {
  const std::string name = "RayCluster " + cluster_name();
  const ClusterFacts* cluster = find_cluster(cluster_name());
  if (cluster == nullptr)
    return say(Phase::Progressing, "WaitingForCluster",
               has_own_cluster() ? name + " is coming up"
                                 : "no " + name + " in namespace " + key_.ns + " is ready");
  if (!cluster->ready || cluster->head_uid.empty() || cluster->head_address.empty())
    return say(
        Phase::Progressing, "WaitingForCluster",
        name + (cluster->message.empty() ? " is not ready" : " is not ready: " + cluster->message));
  const std::string id = submission_id(attempt_of(state_), *spec_);
  const HeadAnswers& answers = answers_of(observed_.head, cluster->head_uid, id);
  if (answers.session && !answers.refused) {
    say(Phase::Applying, "Submitting", name + " is ready; job " + id + " is about to be submitted");
    return save(*declaration_, submitted(state_, id, cluster->head_uid, *answers.session),
                "job " + id + " is about to be submitted");
  }
  say(Phase::Progressing, "WaitingForCluster",
      answers.silence.empty()
          ? name + " is ready; its head is asked who it is"
          : name + ": its head does not answer: " + parent::publishable(answers.silence));
  ask(RayVerb::GetVersion, *cluster, id, "which life of the head is this?");
}

void Reconciling::attend() {
  const ClusterFacts* cluster = cluster_of_head(state_.head_uid);
  if (cluster == nullptr) cluster = find_cluster(cluster_name());
  const AttemptNews news =
      read_attempt(state_, run_tag(attempt_of(state_)), cluster, observed_.head);
  if (news.ending) return end_attempt(*news.ending);
  job_ = news.job;
  const bool is_running = news.job && news.job->status == RayJobStatus::Running;
  if (miss_deadline(is_running, news.heard || cluster->head_address.empty())) return;
  if (news.ask == RayVerb::SubmitJob && !knows_run())
    return end_attempt({JobStage::Failed, "Superseded",
                        "another run was declared, and what this one was cannot be read any more",
                        /*may_retry=*/false});
  update_cluster();
  say(words_for(state_, news));
  if (is_running && !state_.was_running && spec_->pre_running_deadline) {
    JobState next = state_;
    next.was_running = true;
    return save(*declaration_, next, "Ray runs it: preRunningDeadlineSeconds is met");
  }
  ask_about(news, *cluster);
  plan_.message = attempt_prefix(state_, *spec_) + plan_.message;
  if (!is_the_wanted_run())
    plan_.message += "; " + parent::edit_of(file_) + " waits until the run in progress has ended";
}

void Reconciling::ask_about(const AttemptNews& news, const ClusterFacts& cluster) {
  if (!news.ask || cluster.head_address.empty()) return;
  if (news.ask_at && now_.monotonic < *news.ask_at) return look_again_at(*news.ask_at);
  switch (*news.ask) {
    case RayVerb::GetVersion:
      return ask(*news.ask, cluster, state_.submission_id, "is this still the same head?");
    case RayVerb::GetJob:
      return ask(*news.ask, cluster, state_.submission_id, "how is it going?");
    case RayVerb::SubmitJob:
      ask(*news.ask, cluster, state_.submission_id, "the head does not have it yet");
      plan_.ray_requests.front().body =
          submission_body(*spec_, state_.submission_id, run_tag(attempt_of(state_)));
      return;
    case RayVerb::StopJob:
    case RayVerb::GetServe:
    case RayVerb::PutServe:
      return;
  }
}

bool Reconciling::miss_deadline(bool is_running, bool may_judge) {
  const std::optional<Deadline> deadline = next_deadline(*spec_, state_, is_running);
  if (!deadline) return false;
  if (now_.wall < deadline->at) {
    look_again_at(deadline->at);
    return false;
  }
  if (may_judge) end_attempt(deadline->ending);
  return may_judge;
}

void Reconciling::end_attempt(const Ending& ending) {
  const std::string attempt = "attempt " + std::to_string(state_.attempt) + " has ended";
  if (ending.may_retry && state_.attempt <= spec_->backoff_limit) {
    say(Phase::Applying, "Retrying", attempt + ", another one begins: " + ending.message);
    return save(*declaration_, next_attempt(state_, ending, now_.wall),
                attempt + ": " + ending.message);
  }
  say(Phase::Applying, "SavingOutcome", attempt + ": " + ending.message);
  save(*declaration_, ended_run(state_, ending, now_.wall), attempt + ": " + ending.message);
}

// Terminal results first: in the anchor, then in Git, and only then what they are about may go.
void Reconciling::after_end() {
  if (is_record_unknown()) leave_clusters_as_they_are();
  const bool stopping = stop_what_runs();
  const bool on_record = is_on_record(state_.run_hash);
  say(words_for_ended(state_));
  if (!is_the_wanted_run()) {
    plan_.message +=
        "; " + parent::edit_of(file_) + " waits until " +
        (stopping && on_record ? "what was running has stopped" : "this outcome is published");
    return;
  }
  plan_.message = attempt_prefix(state_, *spec_) + plan_.message;
  if (is_record_unknown())
    plan_.message += "; what is on record is not known: " + observed_.ledger.why();
  if (child_ == nullptr) return;
  if (!spec_->shutdown_after_finish) return update_cluster();
  plan_.message += "; " + fate_of_cluster(state_, *spec_, on_record, now_.wall);
  const WallTime due = state_.finished_at + spec_->ttl_after_finish;
  if (now_.wall >= due && on_record)
    return retire(*child_, "the job has ended (shutdownAfterJobFinishes)");
  if (now_.wall < due) look_again_at(due);
  update_cluster();
}

}  // namespace

Plan reconcile(const Declaration& declaration, const JobObserved& observed,
               const std::string& agent_id, Now now) {
  if (const auto unknown = first_unknown(observed)) return not_yet_known(Phase::Pending, *unknown);
  return Reconciling(declaration, observed, agent_id, now).run();
}

}  // namespace ray_gitops::rayjob
