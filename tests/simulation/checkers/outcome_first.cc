// The cluster of a run that has ended leaves only after the outcome is on the status branch, unless
// the branch takes no commits.
#include <set>

#include "reconcilers/raycluster/census.h"
#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

class OutcomeFirst : public Checker {
 public:
  explicit OutcomeFirst(const Scene& scene) : Checker(scene, "outcome_first") {}

  void on_event(const Agent& agent, const engine::Event& event) override {
    const auto* published = std::get_if<engine::StatusPublished>(&event);
    if (published == nullptr) return;
    if (!published->tip && published->tip.error().code == ErrorCode::Rejected)
      refused_.insert(agent.client());
    else if (published->tip)
      refused_.erase(agent.client());
  }

  void on_effect(const Agent& agent, const engine::Effect& effect) override {
    const auto* write = std::get_if<engine::SendWrite>(&effect);
    if (write == nullptr || write->action.verb != Verb::Delete) return;
    const auto view = scene().truth.find(write->action.target);
    if (!view || meta_of(*view).uid != write->action.preconditions.uid) return;
    const std::optional<ObjectKey> cluster = cluster_of(*view);
    const ChildRun* child = cluster ? scene().jobs.child(*cluster) : nullptr;
    if (child == nullptr || !scene().truth.parent(*cluster)) return;
    if (scene().jobs.published_at(child->run) || refused_.contains(agent.client())) return;
    if (!has_ended_with(*child)) return;
    fail(agent.client() + " deletes " + to_string(write->action.target) + " of " +
         to_string(child->run.job) + " before the outcome is on record");
  }

 private:
  // The cluster of an earlier attempt leaves before the next one begins.
  bool has_ended_with(const ChildRun& child) const {
    const auto anchor = scene().truth.anchor(child.run.job);
    if (!anchor) return false;
    const Result<JobState> state = anchored_job_state(*anchor);
    if (!state) return false;
    const FinishedRun* outcome = find_run(state->finished, child.run.run_hash);
    return outcome != nullptr && outcome->attempt == child.attempt;
  }

  // Of what leaves only with its cluster; what failed is replaced.
  static std::optional<ObjectKey> cluster_of(const ResourceView& view) {
    const auto* pod = std::get_if<PodView>(&view);
    if (pod != nullptr && pod->group == k_head_group_name && !has_failed(*pod))
      return ObjectKey{Kind::RayCluster, pod->meta.key.ns, pod->cluster};
    const auto* map = std::get_if<ConfigMapView>(&view);
    const Result<ObjectKey> key =
        map == nullptr ? ray_gitops::fail(ErrorCode::NotFound, "") : anchored_key(*map);
    return key ? std::optional(*key) : std::nullopt;
  }

  std::set<std::string> refused_;  // agents whose last push was
};

}  // namespace

std::unique_ptr<Checker> make_outcome_first_checker(const Scene& scene) {
  return std::make_unique<OutcomeFirst>(scene);
}

}  // namespace ray_gitops::simulation
