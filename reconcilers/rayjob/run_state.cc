#include "reconcilers/rayjob/run_state.h"

#include <utility>

namespace ray_gitops::rayjob {

JobState first_attempt(const std::string& run_hash, WallTime begins, FinishedRuns finished) {
  JobState state = suspended_run(run_hash, std::move(finished));
  state.attempt_started_at = begins;
  return state;
}

// No attempt of it has a time at which it started.
JobState suspended_run(const std::string& run_hash, FinishedRuns finished) {
  JobState state;
  state.run_hash = run_hash;
  state.finished = std::move(finished);
  return state;
}

bool has_begun(const JobState& state) { return state.attempt_started_at != WallTime{}; }

JobState submitted(const JobState& state, const std::string& submission_id,
                   const std::string& head_uid, const std::string& session) {
  JobState next = state;
  next.stage = JobStage::Submitting;
  next.was_running = false;
  next.submission_id = submission_id;
  next.head_uid = head_uid;
  next.session = session;
  return next;
}

JobState next_attempt(const JobState& state, const Ending& ending, WallTime begins) {
  JobState next = first_attempt(state.run_hash, begins, state.finished);
  next.attempt = state.attempt + 1;
  next.reason = ending.reason;
  next.message = ending.message;
  return next;
}

JobState ended_run(const JobState& state, const Ending& ending, WallTime when) {
  JobState next = state;
  next.stage = ending.stage;
  next.reason = ending.reason;
  next.message = ending.message;
  next.finished_at = when;
  next.finished = merge_runs({{.run_hash = state.run_hash,
                               .stage = ending.stage,
                               .attempt = state.attempt,
                               .submission_id = state.submission_id,
                               .reason = ending.reason,
                               .message = ending.message,
                               .finished_at = when}},
                             state.finished);
  return next;
}

JobState recorded_run(const FinishedRun& outcome, FinishedRuns finished) {
  JobState state = suspended_run(outcome.run_hash, {});
  state.stage = outcome.stage;
  state.attempt = outcome.attempt;
  state.submission_id = outcome.submission_id;
  state.reason = outcome.reason;
  state.message = outcome.message;
  state.finished_at = outcome.finished_at;
  state.finished = std::move(finished);
  return state;
}

bool is_from_record(const JobState& ended) { return !has_begun(ended); }

}  // namespace ray_gitops::rayjob
