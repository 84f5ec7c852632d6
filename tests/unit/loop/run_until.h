#pragma once
// Waiting for a condition with a deadline, on a loop.

#include <functional>

#include "agent/loop/loop.h"

namespace ray_gitops::test {

// Runs the loop until the condition holds. False when it does not within `limit`.
inline bool run_until(Loop& loop, const std::function<bool()>& condition,
                      Duration limit = Duration{20'000}) {
  const Instant end = loop.now().monotonic + limit;
  TimerId timer = 0;
  const std::function<void()> look = [&] {
    if (condition() || loop.now().monotonic > end) return loop.stop();
    timer = loop.add_timer(Duration{1}, look);
  };
  look();
  if (!condition()) loop.run();
  loop.cancel_timer(timer);
  return condition();
}

}  // namespace ray_gitops::test
