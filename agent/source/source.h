#pragma once
// Which commit, which files: carries out ListRemote and LoadCommit. Loop thread only.

#include <functional>
#include <string>

#include "agent/engine/effect.h"
#include "agent/engine/event.h"
#include "agent/git/git_worker.h"

namespace ray_gitops::source {

struct SourceOptions {
  std::string branch;         // without refs/heads/
  std::string status_branch;  // asked for in the same exchange
  std::string folder;         // watched; without leading or final '/', empty: the whole repository
};

class Source {
 public:
  // `emit` gets one event for each effect. `worker` must outlive what was asked of it.
  Source(git::GitWorker& worker, SourceOptions options, std::function<void(engine::Event)> emit);

  void list_remote(const engine::ListRemote& effect);
  void load_commit(const engine::LoadCommit& effect);

 private:
  git::GitWorker& worker_;
  SourceOptions options_;
  std::function<void(engine::Event)> emit_;
};

}  // namespace ray_gitops::source
