#include "tests/simulation/timeline.h"

#include <algorithm>

namespace ray_gitops::simulation {

void Timeline::after(Duration delay, Happening happening) {
  const Instant when = now_ + std::max(delay, Duration{0});
  queue_.emplace(std::pair{when, next_number_++}, std::move(happening));
}

bool Timeline::run_next(Instant limit) {
  if (queue_.empty() || queue_.begin()->first.first > limit) {
    now_ = std::max(now_, limit);
    return false;
  }
  auto first = queue_.extract(queue_.begin());
  now_ = std::max(now_, first.key().first);
  first.mapped()();
  return true;
}

}  // namespace ray_gitops::simulation
