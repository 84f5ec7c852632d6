#pragma once
// Spans of time that come again.

#include <optional>

#include "reconcilers/model/time.h"
#include "reconcilers/schedule/cron.h"
#include "reconcilers/schedule/time_zone.h"

namespace ray_gitops::schedule {

// From each time that the expression lets through, for `length`.
struct Window {
  Cron start;
  TimeZone zone;
  Duration length{0};
};

// `now` is in one of the spans: not before its start, and before its end.
bool is_open(const Window& window, WallTime now);

// A time later than `now` before which is_open cannot change; nullopt: never.
std::optional<WallTime> next_change(const Window& window, WallTime now);

}  // namespace ray_gitops::schedule
