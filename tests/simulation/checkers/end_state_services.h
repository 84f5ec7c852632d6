#pragma once
// The part of the end state that services have.

#include <string>
#include <vector>

#include "tests/simulation/checkers/checker.h"

namespace ray_gitops::simulation {

// Every declared service serves what its file says on one cluster, or is suspended, and the status
// branch says so. A line for each that is not so.
void check_services(const Scene& scene, const StatusCommit& status,
                    std::vector<std::string>& problems);
// Is it the cluster of a declared service that still wants it?
bool is_wanted_service_cluster(const Scene& scene, const ObjectKey& cluster);
// Is it a cluster that was made like this? The anchor holds what the file says of it.
bool is_shaped(const RayClusterSpec& spec, const ClusterShape& wanted);

}  // namespace ray_gitops::simulation
