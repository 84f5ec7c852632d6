#include "reconcilers/rayjob/attempt.h"

#include <utility>

#include "reconcilers/parent/ray_text.h"
#include "reconcilers/rayjob/failure_text.h"

namespace ray_gitops::rayjob {
namespace {

AttemptNews ended(Ending ending) {
  AttemptNews news;
  news.ending = std::move(ending);
  return news;
}

AttemptNews lost(std::string message) {
  return ended({JobStage::Failed, "HeadLost", std::move(message), /*may_retry=*/true});
}

// Facts are complete when this is asked. The head of a life is one pod, whose uid never comes back:
// a cluster without a head pod has lost it as surely as one with another head pod (I10: where a
// head is missing after it was there, it was lost).
std::string why_lost(const JobState& state, const ClusterFacts* cluster) {
  if (cluster == nullptr) return "its cluster is gone";
  if (cluster->head_uid.empty()) return "the head pod it was submitted to is gone";
  if (cluster->head_uid != state.head_uid)
    return "the head pod it was submitted to was replaced by another one";
  return {};
}

std::optional<Ending> ending_of(const RayJobInfo& job, const std::string& tag,
                                const std::string& submission_id) {
  if (job.run != tag)
    return Ending{JobStage::Failed, "SubmissionIdTaken",
                  "the head has a job " + submission_id +
                      " that was not submitted for this run; choose another jobId",
                  /*may_retry=*/false};
  switch (job.status) {
    case RayJobStatus::Succeeded:
      return Ending{JobStage::Succeeded, k_job_succeeded, "the job has succeeded", false};
    case RayJobStatus::Stopped:
      return Ending{JobStage::Stopped, k_job_stopped, "the job was stopped in Ray", false};
    case RayJobStatus::Failed:
      return Ending{JobStage::Failed, k_job_failed, failure_sentence(job), true};
    case RayJobStatus::Pending:
    case RayJobStatus::Running:
      break;
  }
  return std::nullopt;
}

std::string after(const char* field, Duration duration, const JobState& state) {
  return std::string(field) + " of " +
         std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) +
         " s has passed " +
         (state.stage == JobStage::Waiting ? "while it waited for its cluster" : "since it began");
}

}  // namespace

const HeadAnswers& answers_of(const HeadAnswers& head, const std::string& head_uid,
                              const std::string& submission_id) {
  static const HeadAnswers k_none;
  const bool fits = head.head_uid == head_uid && head.submission_id == submission_id;
  return fits ? head : k_none;
}

AttemptNews read_attempt(const JobState& state, const std::string& tag, const ClusterFacts* cluster,
                         const HeadAnswers& head) {
  if (std::string why = why_lost(state, cluster); !why.empty()) return lost(std::move(why));
  const HeadAnswers& answers = answers_of(head, state.head_uid, state.submission_id);
  AttemptNews news;
  news.silence = answers.silence;
  news.heard = answers.job.has_value() || !answers.silence.empty();
  if (answers.job && *answers.job) {
    if (auto ending = ending_of(**answers.job, tag, state.submission_id))
      return ended(std::move(*ending));
    news.job = *answers.job;
    news.ask = RayVerb::GetJob;
    news.ask_at = answers.job_answered_at + k_job_poll_interval;
  } else if (answers.refused) {
    return ended({JobStage::Failed, "SubmissionRejected",
                  "Ray refuses the submission: " + parent::publishable(answers.refused->message),
                  /*may_retry=*/true});
  } else if (!answers.job) {
    news.ask = RayVerb::GetJob;
  } else if (!answers.session) {
    news.ask = RayVerb::GetVersion;
  } else if (*answers.session == state.session) {
    news.ask = RayVerb::SubmitJob;
  } else {
    return lost("the head has started anew since, and has lost its jobs");
  }
  return news;
}

std::optional<Deadline> next_deadline(const RayJobSpec& spec, const JobState& state,
                                      bool is_running) {
  std::optional<Deadline> next;
  if (spec.active_deadline)
    next = Deadline{state.attempt_started_at + *spec.active_deadline,
                    {JobStage::Failed, k_deadline_exceeded,
                     after("activeDeadlineSeconds", *spec.active_deadline, state), false}};
  if (!spec.pre_running_deadline || is_running || state.was_running) return next;
  const WallTime at = state.attempt_started_at + *spec.pre_running_deadline;
  if (next && next->at <= at) return next;
  return Deadline{at,
                  {JobStage::Failed, k_pre_running_deadline_exceeded,
                   after("preRunningDeadlineSeconds", *spec.pre_running_deadline, state) +
                       ", and Ray does not run it yet",
                   true}};
}

bool may_still_run(const JobState& ended) {
  return !ended.submission_id.empty() && !ended.head_uid.empty() &&
         (ended.reason == k_deadline_exceeded || ended.reason == k_pre_running_deadline_exceeded ||
          ended.reason == k_file_removed);
}

}  // namespace ray_gitops::rayjob
