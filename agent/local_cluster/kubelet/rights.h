#pragma once
// What this process must be allowed to do to run pods.

#include "reconcilers/model/result.h"

namespace ray_gitops::local_cluster {

// Forbidden says which right or program is missing and what to do about it.
Result<void> check_rights();

}  // namespace ray_gitops::local_cluster
