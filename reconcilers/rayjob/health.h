#pragma once
// What to tell people about a job.

#include <optional>
#include <string>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/document.h"
#include "reconcilers/model/job_run.h"
#include "reconcilers/model/ray_head.h"
#include "reconcilers/model/time.h"
#include "reconcilers/parent/parent_round.h"
#include "reconcilers/rayjob/attempt.h"

namespace ray_gitops::rayjob {

// Of a run that was submitted and has not ended.
parent::Words words_for(const JobState& state, const AttemptNews& news);
// Of a run that has ended; with how to run it again when it ended before anything of this anchor.
parent::Words words_for_ended(const JobState& state);
// "its cluster stays until <time>", ... of the cluster of a run that has ended.
std::string fate_of_cluster(const JobState& state, const RayJobSpec& spec, bool on_record,
                            WallTime now);

// "attempt 2 of 4: ", or nothing where there is no other.
std::string attempt_prefix(const JobState& state, const RayJobSpec& spec);

// {"attempt", "cluster", "finishedAt", "jobStatus", "submissionId"} as far as they are known.
// Nothing that is lost with the agent once the run has ended: the same state gives the same tree.
Document ray_facts(const JobState& state, const std::string& cluster,
                   const std::optional<RayJobInfo>& job);

}  // namespace ray_gitops::rayjob
