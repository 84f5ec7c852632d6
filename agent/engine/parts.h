#pragma once
// Small things that the engine's parts share.

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/engine/effect.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::engine {

using Effects = std::vector<Effect>;
using Deadline = std::optional<Instant>;

// The earlier of two deadlines; nullopt is never.
inline Deadline earlier(Deadline left, Deadline right) {
  if (!left) return right;
  if (!right) return left;
  return std::min(*left, *right);
}

inline bool is_due(Deadline deadline, Instant now) { return deadline && *deadline <= now; }

// first, 2 x first, 4 x first ... at most longest; attempts counts from 1.
inline Duration backoff(Duration first, Duration longest, int attempts) {
  const int doublings = std::clamp(attempts - 1, 0, 16);
  return std::min(longest, first * (std::int64_t{1} << doublings));
}

using LogFields = std::vector<std::pair<std::string, std::string>>;

inline void log(Effects& effects, LogLevel level, std::string message, LogFields fields = {}) {
  effects.push_back(WriteLog{level, std::move(message), std::move(fields)});
}

}  // namespace ray_gitops::engine
