#pragma once
// Time as values. Decisions get a Now; nothing in reconcilers/ or agent/engine reads a clock.

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ray_gitops {

using Duration = std::chrono::milliseconds;

// A point on the clock that never jumps; only differences mean anything. For waits and backoff.
struct Instant {
  std::int64_t milliseconds = 0;
  auto operator<=>(const Instant&) const = default;
};

// Milliseconds since the Unix epoch. For deadlines and ages that must survive a restart.
struct WallTime {
  std::int64_t milliseconds = 0;
  auto operator<=>(const WallTime&) const = default;
};

struct Now {
  WallTime wall;
  Instant monotonic;
};

inline Instant operator+(Instant instant, Duration delay) {
  return {instant.milliseconds + delay.count()};
}
inline Duration operator-(Instant later, Instant earlier) {
  return Duration{later.milliseconds - earlier.milliseconds};
}
inline WallTime operator+(WallTime time, Duration delay) {
  return {time.milliseconds + delay.count()};
}
inline Duration operator-(WallTime later, WallTime earlier) {
  return Duration{later.milliseconds - earlier.milliseconds};
}

// RFC 3339 in UTC with whole seconds, as Kubernetes writes it: "2026-01-02T03:04:05Z".
std::string to_rfc3339(WallTime time);
// Accepts "Z" and fractions of a second (cut); anything else is nullopt.
std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace ray_gitops
