#include "reconcilers/model/job_run.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace ray_gitops {
namespace {

constexpr std::array<const char*, 5> k_stages{"Waiting", "Submitting", "Succeeded", "Failed",
                                              "Stopped"};

}  // namespace

const char* name_of(JobStage stage) { return k_stages.at(static_cast<std::size_t>(stage)); }

std::optional<JobStage> parse_job_stage(const std::string& name) {
  const auto* const found = std::find(k_stages.begin(), k_stages.end(), name);
  if (found == k_stages.end()) return std::nullopt;
  return static_cast<JobStage>(found - k_stages.begin());
}

const FinishedRun* find_run(const FinishedRuns& runs, const std::string& run_hash) {
  const auto found = std::find_if(runs.begin(), runs.end(),
                                  [&](const FinishedRun& run) { return run.run_hash == run_hash; });
  return found == runs.end() ? nullptr : &*found;
}

FinishedRuns merge_runs(const FinishedRuns& first, const FinishedRuns& second) {
  FinishedRuns merged = first;
  for (const FinishedRun& run : second)
    if (find_run(first, run.run_hash) == nullptr) merged.push_back(run);
  std::sort(merged.begin(), merged.end(), [](const FinishedRun& left, const FinishedRun& right) {
    return std::tie(left.finished_at, left.run_hash) < std::tie(right.finished_at, right.run_hash);
  });
  if (merged.size() > k_finished_runs_max)
    merged.erase(merged.begin(), merged.end() - k_finished_runs_max);
  return merged;
}

}  // namespace ray_gitops
