#include "reconcilers/schedule/window.h"

namespace ray_gitops::schedule {
namespace {

// The earliest start whose span has not ended.
std::optional<WallTime> first_start(const Window& window, WallTime now) {
  return window.zone.next(window.start, now + -window.length);
}

}  // namespace

bool is_open(const Window& window, WallTime now) {
  const std::optional<WallTime> start = first_start(window, now);
  return start && *start <= now;
}

std::optional<WallTime> next_change(const Window& window, WallTime now) {
  const std::optional<WallTime> start = first_start(window, now);
  if (!start) return std::nullopt;
  return *start <= now ? *start + window.length : *start;
}

}  // namespace ray_gitops::schedule
