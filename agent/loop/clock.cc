#include "agent/loop/clock.h"

#include <ctime>

namespace ray_gitops {

Instant monotonic_now() {
  std::timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return {static_cast<std::int64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1'000'000};
}

}  // namespace ray_gitops
