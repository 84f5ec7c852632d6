// How a cluster leaves.

#include <optional>
#include <utility>
#include <vector>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/raycluster/actions.h"
#include "reconcilers/raycluster/census.h"
#include "reconcilers/raycluster/reconcile.h"

namespace ray_gitops::raycluster {
namespace {

std::vector<Action> deletions(const Pods& pods, const std::string& reason) {
  std::vector<Action> actions;
  for (const PodView* pod : pods)
    actions.push_back(delete_action(pod->meta, k_wave_leaving, reason));
  sort_actions(actions);
  return actions;
}

// Ours and not leaving yet, whatever the group and incarnation: workers and heads.
std::pair<Pods, Pods> staying_pods(const Census& census) {
  Pods workers;
  Pods heads;
  if (census.head != nullptr) heads.push_back(census.head);
  for (const Pods* pods : {&census.outdated, &census.undeclared})
    for (const PodView* pod : *pods)
      (pod->group == k_head_group_name ? heads : workers).push_back(pod);
  return {workers, heads};
}

// Removal sends a step only when the step before has been answered; the cluster collects what is
// left once the anchor is gone.
void remove_next(const ConfigMapView& anchor, const std::string& reason,
                 const ClusterObserved& observed, Now now, Plan& plan) {
  const Census census = take_census(observed.pods.value(), RayClusterSpec{}, anchor.meta.uid,
                                    anchored_state(anchor).incarnation);
  const auto [workers, heads] = staying_pods(census);
  const std::optional<Duration> ending = workers_end_within(census, now.wall);
  if (!workers.empty()) {
    plan.actions = deletions(workers, reason);
  } else if (ending) {
    plan.next_look_at = now.monotonic + *ending;
  } else if (!heads.empty()) {
    plan.actions = deletions(heads, reason);
  } else {
    for (const ServiceView& service : observed.services.value())
      if (service.meta.owner_uid == anchor.meta.uid && !service.meta.terminating)
        plan.actions.push_back(delete_action(service.meta, k_wave_leaving, reason));
    if (observed.secrets.is_known())
      for (const SecretView& secret : observed.secrets.value())
        if (secret.meta.owner_uid == anchor.meta.uid && !secret.meta.terminating)
          plan.actions.push_back(delete_action(secret.meta, k_wave_leaving, reason));
    if (plan.actions.empty() && !anchor.meta.terminating)
      plan.actions.push_back(delete_action(anchor.meta, k_wave_anchor, reason));
    sort_actions(plan.actions);
  }
}

}  // namespace

Plan plan_removal(const ObjectKey& key, const Departure& departure, const ClusterObserved& observed,
                  Now now) {
  if (const auto unknown = first_unknown(observed))
    return stopped_plan(Phase::Removing, "NotYetKnown", *unknown);
  const auto& anchor = observed.anchor.value();
  Plan plan =
      stopped_plan(Phase::Removing, departure.reason, to_string(key) + " leaves: " + departure.why);
  if (!anchor) return plan;
  remove_next(*anchor, departure.why, observed, now, plan);
  report_refusal(plan, Phase::Removing, observed);
  return plan;
}

}  // namespace ray_gitops::raycluster
