#pragma once
// The status as `ray-gitops status` shows it on a terminal.

#include <cstddef>
#include <string>

#include "reconcilers/model/job_run.h"
#include "reconcilers/model/result.h"
#include "reconcilers/status/published.h"

namespace ray_gitops::status {

struct TextOptions {
  std::size_t columns_max = 0;  // of the terminal; 0: nothing is cut
  bool colour = false;
};

// As many diagnostics are listed with the objects; all of one file are with its object.
inline constexpr std::size_t k_text_diagnostics_max = 20;
// As many runs of a job are shown, the newest first.
inline constexpr std::size_t k_text_runs_max = 20;

// What is watched, held and wrong, then a table of all objects.
std::string render_overview(const PublishedStatus& status, const TextOptions& options);

// All facts about one object. `runs` are the ones of published_runs.
std::string render_object(const PublishedStatus& status, const PublishedObject& object,
                          const Result<FinishedRuns>& runs, const TextOptions& options);

}  // namespace ray_gitops::status
