#include "agent/app/memory.h"

#include <malloc.h>

namespace ray_gitops::app {
namespace {

constexpr int k_own_pages_bytes_min = 128 * 1024;

}  // namespace

Memory::Memory(Loop& loop) : loop_(loop) { mallopt(M_MMAP_THRESHOLD, k_own_pages_bytes_min); }

Memory::~Memory() { loop_.cancel_timer(trim_); }

void Memory::note_work() {
  if (trim_ != 0) return;
  trim_ = loop_.add_timer(k_trim_interval, [this] {
    trim_ = 0;
    malloc_trim(0);
  });
}

}  // namespace ray_gitops::app
