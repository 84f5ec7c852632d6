#pragma once
// How the remembered state of a job goes on: from a state to the next one, values only.

#include <string>

#include "reconcilers/model/job_run.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::rayjob {

// Why an attempt has ended.
struct Ending {
  JobStage stage = JobStage::Failed;  // one that has ended
  std::string reason;                 // CamelCase
  std::string message;                // one sentence, safe to publish
  bool may_retry = false;
};

// The first attempt of a run. A run that is suspended has not begun: see has_begun.
JobState first_attempt(const std::string& run_hash, WallTime begins, FinishedRuns finished);
JobState suspended_run(const std::string& run_hash, FinishedRuns finished);
// A waiting run that was suspended, or never was anything else, begins when it is resumed.
bool has_begun(const JobState& state);

// The attempt of which nothing was submitted goes to this head.
JobState submitted(const JobState& state, const std::string& submission_id,
                   const std::string& head_uid, const std::string& session);
// The next attempt waits for its cluster; what ended the one before is kept.
JobState next_attempt(const JobState& state, const Ending& ending, WallTime begins);
JobState ended_run(const JobState& state, const Ending& ending, WallTime when);

// The state of a run that ended before this anchor, or before another run in it. `outcome` is among
// `finished`.
JobState recorded_run(const FinishedRun& outcome, FinishedRuns finished);
bool is_from_record(const JobState& ended);

}  // namespace ray_gitops::rayjob
