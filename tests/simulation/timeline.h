#pragma once
// Virtual time: two clocks and a queue of what will happen.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "reconcilers/model/time.h"

namespace ray_gitops::simulation {

class Timeline {
 public:
  using Happening = std::function<void()>;

  Now now() const { return {WallTime{now_.milliseconds + wall_offset_}, now_}; }
  Instant instant() const { return now_; }

  // Things at the same instant happen in the order in which they were put in.
  void after(Duration delay, Happening happening);
  // Moves the wall clock only.
  void jump_wall(Duration jump) {
    wall_offset_ += jump.count();
    wall_offset_max_ = std::max(wall_offset_max_, wall_offset_);
  }
  // The wall clock is as far ahead as it ever was: nothing was written down in its future.
  void mend_wall() { wall_offset_ = wall_offset_max_; }
  // Lets the next thing happen that is due by `limit`. False when there is none: it is `limit` now.
  bool run_next(Instant limit);

 private:
  // 2026-01-01T00:00:00Z, when the monotonic clock stood at zero.
  static constexpr std::int64_t k_wall_start = 1'767'225'600'000;

  Instant now_{1'000'000};
  std::int64_t wall_offset_ = k_wall_start;
  std::int64_t wall_offset_max_ = k_wall_start;
  std::uint64_t next_number_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, Happening> queue_;
};

}  // namespace ray_gitops::simulation
