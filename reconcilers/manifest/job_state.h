#pragma once
// JobState as JSON (docs/formats.md, "Runs of a job").

#include <nlohmann/json.hpp>

#include "reconcilers/model/job_run.h"
#include "reconcilers/model/result.h"

namespace ray_gitops {

nlohmann::json job_state_json(const JobState& state);
// InvalidInput names the first member that cannot be read.
Result<JobState> parse_job_state(const nlohmann::json& json);

}  // namespace ray_gitops
