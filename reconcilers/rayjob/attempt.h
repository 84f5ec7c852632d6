#pragma once
// What the head's answers and the clock mean for one attempt.

#include <optional>
#include <string>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/job_run.h"
#include "reconcilers/model/ray_head.h"
#include "reconcilers/model/time.h"
#include "reconcilers/rayjob/observed.h"
#include "reconcilers/rayjob/run_state.h"

namespace ray_gitops::rayjob {

// Ray is asked for a job that it has taken as often: a short job ends within two seconds, and a
// GetJob costs the head less than 10 ms.
inline constexpr Duration k_job_poll_interval = std::chrono::seconds(1);

// Reasons of an ended run that are looked at again; the others are only shown.
inline constexpr const char* k_job_succeeded = "JobSucceeded";
inline constexpr const char* k_job_failed = "JobFailed";
inline constexpr const char* k_job_stopped = "JobStopped";
inline constexpr const char* k_deadline_exceeded = "DeadlineExceeded";
inline constexpr const char* k_pre_running_deadline_exceeded = "PreRunningDeadlineExceeded";
inline constexpr const char* k_file_removed = "FileRemoved";

// Those to this head about this id; empty answers when the head has not been asked yet.
const HeadAnswers& answers_of(const HeadAnswers& head, const std::string& head_uid,
                              const std::string& submission_id);

// What is known of an attempt that was or may have been submitted.
struct AttemptNews {
  std::optional<Ending> ending;   // it has ended, by Ray's word or by the loss of its head
  std::optional<RayVerb> ask;     // what to ask the head next,
  std::optional<Instant> ask_at;  // and from when on; nullopt: now
  std::optional<RayJobInfo> job;  // ours, as the head last knew it
  std::string silence;            // why the last request was not answered
  // The head has said what it knows, or cannot: a deadline may be judged. An agent that was away
  // asks first, so that a job that has ended in time is not failed for the agent's absence.
  bool heard = false;
};

// `cluster`: nullptr when it has no anchor any more. `tag`: of metadata "ray-gitops.io/run".
AttemptNews read_attempt(const JobState& state, const std::string& tag, const ClusterFacts* cluster,
                         const HeadAnswers& head);

// The deadlines of the attempt, by wall clock; preRunningDeadline only while Ray has not said
// RUNNING. The earlier of the two, with what it means when it has passed.
struct Deadline {
  WallTime at;
  Ending ending;
};
std::optional<Deadline> next_deadline(const RayJobSpec& spec, const JobState& state,
                                      bool is_running);

// A run that was ended by us, not by Ray: what was submitted may still be running.
bool may_still_run(const JobState& ended);

}  // namespace ray_gitops::rayjob
