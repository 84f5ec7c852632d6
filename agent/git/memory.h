#pragma once
// What the Git child does when there is no more memory. In the child only.

namespace ray_gitops::git {

// The exit code of a process that asked for more than there is.
constexpr int k_exit_out_of_memory = 3;

// From now on the process ends with that code where it, or libgit2 in it, would be refused memory.
// libgit2 does not bear a refusal everywhere: a list of references that fills the memory is one of
// the things it does not survive. After git_libgit2_init().
void end_when_out_of_memory();

}  // namespace ray_gitops::git
