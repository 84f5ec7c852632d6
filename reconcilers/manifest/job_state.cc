#include "reconcilers/manifest/job_state.h"

#include <optional>
#include <string>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/manifest/json_members.h"
#include "reconcilers/manifest/state_members.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

Result<JobStage> parse_stage(const Json& object, const char* name) {
  const std::optional<JobStage> stage = parse_job_stage(TRY(parse_state_text(object, name)));
  if (!stage) return unreadable_state(name);
  return *stage;
}

Json finished_run_json(const FinishedRun& run) {
  return Json{{"runHash", run.run_hash},
              {"result", name_of(run.stage)},
              {"attempt", run.attempt},
              {"submissionId", run.submission_id},
              {"reason", run.reason},
              {"message", run.message},
              {"finishedAt", to_rfc3339(run.finished_at)}};
}

Result<FinishedRun> parse_finished_run(const Json& object) {
  FinishedRun run;
  run.run_hash = TRY(parse_state_text(object, "runHash"));
  run.stage = TRY(parse_stage(object, "result"));
  if (!has_ended(run.stage)) return unreadable_state("result");
  run.attempt = static_cast<int>(TRY(parse_state_count(object, "attempt", 1)));
  run.submission_id = TRY(parse_state_text(object, "submissionId"));
  run.reason = TRY(parse_state_text(object, "reason"));
  run.message = TRY(parse_state_text(object, "message"));
  run.finished_at = TRY(parse_state_time(object, "finishedAt"));
  return run;
}

}  // namespace

Json finished_runs_json(const FinishedRuns& runs) {
  Json list = Json::array();
  for (const FinishedRun& run : runs) list.push_back(finished_run_json(run));
  return list;
}

Result<FinishedRuns> parse_finished_runs(const Json& list) {
  if (!list.is_array() || list.size() > k_finished_runs_max) return unreadable_state("finished");
  FinishedRuns runs;
  for (const Json& object : list) runs.push_back(TRY(parse_finished_run(object)));
  return merge_runs(runs, {});
}

Json job_state_json(const JobState& state) {
  return Json{{"runHash", state.run_hash},
              {"stage", name_of(state.stage)},
              {"attempt", state.attempt},
              {"attemptStartedAt", state_time_text(state.attempt_started_at)},
              {"wasRunning", state.was_running},
              {"submissionId", state.submission_id},
              {"headUid", state.head_uid},
              {"session", state.session},
              {"reason", state.reason},
              {"message", state.message},
              {"finishedAt", state_time_text(state.finished_at)},
              {"finished", finished_runs_json(state.finished)}};
}

Result<JobState> parse_job_state(const Json& json) {
  if (!json.is_object()) return unreadable_state("state");
  JobState state;
  state.run_hash = TRY(parse_state_text(json, "runHash"));
  state.stage = TRY(parse_stage(json, "stage"));
  state.attempt = static_cast<int>(TRY(parse_state_count(json, "attempt", 1)));
  state.attempt_started_at = TRY(parse_state_time(json, "attemptStartedAt"));
  state.was_running = is_true(member(json, "wasRunning"));
  state.submission_id = TRY(parse_state_text(json, "submissionId"));
  state.head_uid = TRY(parse_state_text(json, "headUid"));
  state.session = TRY(parse_state_text(json, "session"));
  state.reason = TRY(parse_state_text(json, "reason"));
  state.message = TRY(parse_state_text(json, "message"));
  state.finished_at = TRY(parse_state_time(json, "finishedAt"));
  state.finished = TRY(parse_finished_runs(member(json, "finished")));
  return state;
}

}  // namespace ray_gitops
