#pragma once
// The status branch: carries out LoadStatus and PublishStatus. Loop thread only.

#include <functional>
#include <string>

#include "agent/engine/effect.h"
#include "agent/engine/event.h"
#include "agent/git/git_worker.h"
#include "agent/loop/loop.h"

namespace ray_gitops::report {

struct ReportOptions {
  std::string branch;       // "ray-status/<agent id>"
  std::string author_name;  // of the commits, as author and committer
  std::string author_email;
};

// "Ray GitOps <agent id>", "ray-gitops+<agent id>@users.noreply.localhost", "ray-status/<agent
// id>".
ReportOptions default_report_options(const std::string& agent_id);

class Report {
 public:
  // `emit` gets one event for each effect. `loop` says when a commit was made; `worker` must
  // outlive what was asked of it.
  Report(Loop& loop, git::GitWorker& worker, ReportOptions options,
         std::function<void(engine::Event)> emit);

  void load_status(const engine::LoadStatus& effect);
  void publish_status(const engine::PublishStatus& effect);

 private:
  Loop& loop_;
  git::GitWorker& worker_;
  ReportOptions options_;
  std::function<void(engine::Event)> emit_;
};

}  // namespace ray_gitops::report
