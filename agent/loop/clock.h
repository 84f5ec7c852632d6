#pragma once
// The clock of Now::monotonic and of Loop: CLOCK_BOOTTIME, which also counts while the machine
// sleeps, so that what was allowed before is over afterwards. All processes of a machine share it.

#include "reconcilers/model/time.h"

namespace ray_gitops {

Instant monotonic_now();

}  // namespace ray_gitops
