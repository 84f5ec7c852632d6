// A run of a job is executed once for each attempt, only under an id that was saved first, at most
// backoffLimit + 1 times, and never again once its outcome was remembered or published. What a
// person destroys (the job's anchor) or takes back (suspend) may run again.
#include <map>

#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

class JobOnce : public Checker {
 public:
  explicit JobOnce(const Scene& scene) : Checker(scene, "job_once") {}

  void on_effect(const Agent& agent, const engine::Effect& effect) override {
    const auto* ask = std::get_if<engine::AskRay>(&effect);
    if (ask == nullptr || ask->request.verb != RayVerb::SubmitJob) return;
    if (!scene().jobs.was_saved(ask->request.submission_id, ask->request.head_uid))
      fail(agent.client() + " submits " + ask->request.submission_id + ", which was not saved");
  }

  void on_execution(const Execution& execution) override {
    const auto run = scene().jobs.run_of(execution.run.digits);
    if (!run) return fail(execution.submission_id + " is of a run that no anchor has");
    const std::string name =
        to_string(run->job) + ", attempt " + std::to_string(execution.run.attempt);
    if (execution.run.attempt > scene().jobs.backoff_limit(run->job) + 1)
      fail(name + " is one too many");
    if (is_after(scene().jobs.remembered_at(*run), execution))
      fail(name + " is executed after the outcome was remembered");
    if (is_after(scene().jobs.published_at(*run), execution))
      fail(name + " is executed after the outcome was published");
    const auto forgiven = scene().jobs.forgiven_at(run->job);
    if (forgiven && execution.asked_at <= *forgiven) return;
    const auto [last, is_new] = last_.try_emplace(execution.run, execution.asked_at);
    const bool again = !is_new && !(forgiven && last->second <= *forgiven);
    last->second = execution.asked_at;
    if (again) fail(name + " is executed again");
  }

 private:
  static bool is_after(const std::optional<Instant>& when, const Execution& execution) {
    return when && *when < execution.asked_at;
  }

  std::map<RunKey, Instant> last_;
};

}  // namespace

std::unique_ptr<Checker> make_job_once_checker(const Scene& scene) {
  return std::make_unique<JobOnce>(scene);
}

}  // namespace ray_gitops::simulation
