#pragma once
// The process's heap after a burst of work: freed pages go back to the system.

#include "agent/loop/loop.h"

namespace ray_gitops::app {

// At most once in this time, and only after work.
constexpr Duration k_trim_interval{5'000};

class Memory {
 public:
  // Large buffers (pages of lists, status trees) get pages of their own from now on, which go back
  // when they are freed, whatever was allocated after them (mallopt(3), M_MMAP_THRESHOLD).
  explicit Memory(Loop& loop);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // Something was done that may have needed memory for a while: what it left is given back soon
  // (malloc_trim(3)).
  void note_work();

 private:
  Loop& loop_;
  TimerId trim_ = 0;
};

}  // namespace ray_gitops::app
