#include "reconcilers/rayjob/health.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/parent/ray_text.h"
#include "reconcilers/rayjob/run_state.h"

namespace ray_gitops::rayjob {
namespace {

// Ray's last word on a run that has ended by it.
std::optional<RayJobStatus> status_said(const JobState& state) {
  if (state.reason == k_job_succeeded) return RayJobStatus::Succeeded;
  if (state.reason == k_job_failed) return RayJobStatus::Failed;
  if (state.reason == k_job_stopped) return RayJobStatus::Stopped;
  return std::nullopt;
}

}  // namespace

parent::Words words_for(const JobState& state, const AttemptNews& news) {
  const std::string id = "job " + state.submission_id;
  if (!news.silence.empty())
    return {Phase::Running, "HeadSilent",
            id + ": the head does not answer: " + parent::publishable(news.silence)};
  if (!news.job)
    return {Phase::Running, "Submitting", id + " is being submitted, or looked for, on the head"};
  if (news.job->status == RayJobStatus::Pending)
    return {Phase::Running, "JobPending", id + ": Ray has taken it and has not started it yet"};
  return {Phase::Running, "JobRunning", id + " is running"};
}

parent::Words words_for_ended(const JobState& state) {
  parent::Words words{state.stage == JobStage::Succeeded ? Phase::Succeeded : Phase::Failed,
                      state.reason, state.message};
  if (is_from_record(state))
    words.message += "; it ran until " + to_rfc3339(state.finished_at) +
                     " and does not run again: to run it once more give the annotation " +
                     labels::k_run + " another value";
  return words;
}

std::string fate_of_cluster(const JobState& state, const RayJobSpec& spec, bool on_record,
                            WallTime now) {
  const WallTime due = state.finished_at + spec.ttl_after_finish;
  if (now < due) return "its cluster stays until " + to_rfc3339(due);
  return on_record ? "its cluster is leaving"
                   : "its outcome is being published, then its cluster leaves";
}

std::string attempt_prefix(const JobState& state, const RayJobSpec& spec) {
  if (spec.backoff_limit < 1) return {};
  const std::int64_t attempts = std::max(state.attempt - 1, spec.backoff_limit) + std::int64_t{1};
  return "attempt " + std::to_string(state.attempt) + " of " + std::to_string(attempts) + ": ";
}

Document ray_facts(const JobState& state, const std::string& cluster,
                   const std::optional<RayJobInfo>& job) {
  nlohmann::json facts{{"attempt", state.attempt}};
  if (!cluster.empty()) facts["cluster"] = cluster;
  if (!state.submission_id.empty()) facts["submissionId"] = state.submission_id;
  const std::optional<RayJobStatus> status = job ? std::optional(job->status) : status_said(state);
  if (status) facts["jobStatus"] = name_of(*status);
  if (has_ended(state.stage)) facts["finishedAt"] = to_rfc3339(state.finished_at);
  return Document{std::move(facts)};
}

}  // namespace ray_gitops::rayjob
