#pragma once
// The hidden command `git-worker`: the resident child that talks Git for the agent.

#include <cstddef>

namespace ray_gitops::git {

// Of the child's own data; more ends it. Well above the largest answer.
constexpr std::size_t k_worker_memory_bytes_max = 768UL * 1024 * 1024;

// Answers the jobs that come on standard input (protocol.h) on standard output, one after the
// other, until the input ends. Ends with the process that started it. The exit code: 0 when the
// input ended, 1 when it is not of this protocol, k_exit_out_of_memory (memory.h).
int run_git_worker();

}  // namespace ray_gitops::git
