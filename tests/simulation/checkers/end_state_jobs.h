#pragma once
// The part of the end state that jobs have.

#include <string>
#include <vector>

#include "tests/simulation/checkers/checker.h"

namespace ray_gitops::simulation {

// Every declared job has ended as its file says it will, and is on record; or it is still at what
// does not end. A line for each that is not so.
void check_jobs(const Scene& scene, const StatusCommit& status, std::vector<std::string>& problems);
// Is it the cluster of a declared job that still wants it?
bool is_wanted_child(const Scene& scene, const ObjectKey& cluster);
// Is the job's anchor about a run that Ray has and that does not end?
bool runs_for_ever(const Scene& scene, const ObjectKey& job);

}  // namespace ray_gitops::simulation
