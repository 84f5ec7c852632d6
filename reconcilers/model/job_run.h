#pragma once
// Runs of a RayJob: what its anchor remembers, and what the ledger keeps (docs/formats.md, "Runs of
// a job").

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/model/time.h"

namespace ray_gitops {

enum class JobStage : std::uint8_t {
  Waiting,     // for its cluster; nothing was submitted in this attempt
  Submitting,  // it was or may have been submitted, and has not ended
  Succeeded,
  Failed,
  Stopped  // by a person or because its file was removed
};

const char* name_of(JobStage stage);
std::optional<JobStage> parse_job_stage(const std::string& name);
inline bool has_ended(JobStage stage) { return stage >= JobStage::Succeeded; }

// A run that has ended. There is at most one for each run_hash of a job.
struct FinishedRun {
  std::string run_hash;
  JobStage stage = JobStage::Succeeded;  // one that has ended
  int attempt = 1;
  std::string submission_id;  // of the last attempt; empty when nothing was submitted
  std::string reason;         // CamelCase
  std::string message;        // one sentence, safe to publish
  WallTime finished_at;       // whole seconds are kept
  friend bool operator==(const FinishedRun&, const FinishedRun&) = default;
};

// As many of a job are remembered; the oldest are forgotten first.
inline constexpr std::size_t k_finished_runs_max = 200;

// In order of finished_at, then run_hash.
using FinishedRuns = std::vector<FinishedRun>;

const FinishedRun* find_run(const FinishedRuns& runs, const std::string& run_hash);
// Those of both; where both have a run, `first` is right.
FinishedRuns merge_runs(const FinishedRuns& first, const FinishedRuns& second);

// Runtime state of a RayJob, in its anchor: about the run of `run_hash`.
struct JobState {
  std::string run_hash;
  JobStage stage = JobStage::Waiting;
  int attempt = 1;
  WallTime attempt_started_at;  // deadlines count from here (KubeRay: status.startTime)
  bool was_running = false;     // Ray has said RUNNING in this attempt
  // Saved before the submission is sent; empty while Waiting:
  std::string submission_id;
  std::string head_uid;  // of the head pod
  std::string session;   // Ray's name of that head's life
  // Why the attempt before this one ended; or, with an ended stage, why the run ended.
  std::string reason;
  std::string message;
  WallTime finished_at;   // with an ended stage
  FinishedRuns finished;  // all of this job that are known, this one included once it has ended
  friend bool operator==(const JobState&, const JobState&) = default;
};

}  // namespace ray_gitops
