#pragma once
// A write that was refused.

#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"

namespace ray_gitops {

// The last answer to a write that was refused. It is gone once a write to that target succeeds.
struct Refusal {
  Error error;
  int attempts = 1;
  Instant retry_at;
};

}  // namespace ray_gitops
