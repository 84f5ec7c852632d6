#pragma once
// Publishing into a repository on this machine. In the child only.

#include "agent/git/transport.h"

namespace ray_gitops::git {

// As push_commit. libgit2's own push to a path does not compare, and takes no repository with a
// work tree. Hooks are not run, so a repository whose hooks may refuse an update is Rejected, as is
// a branch that is checked out there.
Result<void> push_to_directory(const Link& link, Cache& cache, const Push& push);

}  // namespace ray_gitops::git
