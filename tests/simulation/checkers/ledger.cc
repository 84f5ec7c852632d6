// What is on record stays on record as it is, in the status branch and in the anchor of a job.
#include "reconcilers/manifest/names.h"
#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

class Ledger : public Checker {
 public:
  explicit Ledger(const Scene& scene) : Checker(scene, "ledger") {}

  void on_status(const StatusCommit& commit) override {
    const StatusCommit* parent = commit.parent ? scene().git.status(*commit.parent) : nullptr;
    if (parent == nullptr) return;
    const auto after = ledger_of(commit);
    for (const auto& [job, runs] : ledger_of(*parent)) {
      const auto found = after.find(job);
      compare(job, runs, found == after.end() ? FinishedRuns{} : found->second,
              "the status branch");
    }
  }

  void on_write(const WriteSeen& write) override {
    if (write.before.is_null() || write.after.is_null() || write.before == write.after) return;
    const auto before = view_of(write.before);
    const auto after = view_of(write.after);
    const auto* old_map = before ? std::get_if<ConfigMapView>(&*before) : nullptr;
    const auto* new_map = after ? std::get_if<ConfigMapView>(&*after) : nullptr;
    if (old_map == nullptr || new_map == nullptr) return;
    const auto old_state = anchored_job_state(*old_map);
    const auto new_state = anchored_job_state(*new_map);
    const auto job = anchored_key(*old_map);
    if (job && old_state && new_state)
      compare(*job, old_state->finished, new_state->finished, "the anchor");
  }

 private:
  void compare(const ObjectKey& job, const FinishedRuns& before, const FinishedRuns& after,
               const std::string& where) {
    for (const FinishedRun& run : before) {
      const FinishedRun* found = find_run(after, run.run_hash);
      if (found == nullptr)
        fail(where + " forgets a run of " + to_string(job));
      else if (found->stage != run.stage)
        fail(where + " says of a run of " + to_string(job) + " first " + name_of(run.stage) +
             ", then " + name_of(found->stage));
    }
  }
};

}  // namespace

std::unique_ptr<Checker> make_ledger_checker(const Scene& scene) {
  return std::make_unique<Ledger>(scene);
}

}  // namespace ray_gitops::simulation
