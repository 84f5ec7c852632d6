#pragma once
// What the process has used, from /proc (proc(5)).

#include <cstdint>

namespace ray_gitops::metrics {

// Zero where /proc does not say.
struct ProcessFacts {
  double cpu_seconds = 0;           // user and system, of this process without its children
  double children_cpu_seconds = 0;  // of children that have ended and were waited for
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_files = 0;
  double start_time_seconds = 0;  // Unix time
};

ProcessFacts read_process_facts();

}  // namespace ray_gitops::metrics
