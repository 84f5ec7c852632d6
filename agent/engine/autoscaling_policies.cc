// Autoscaling: what AutoscalerPolicies have to say of a cluster's decision.

#include <utility>

#include "agent/engine/autoscaling.h"
#include "reconcilers/autoscaler/fleet_round.h"

namespace ray_gitops::engine {

Deadline Autoscaling::policies_change_at(Now now) {
  const auto change = fleet_.next_change(now.wall);
  return change ? Deadline{now.monotonic + (*change - now.wall)} : std::nullopt;
}

void Autoscaling::note_fixed(const Declaration& declaration, const ClusterObserved& observed) {
  if (fleet_.has_policies()) autoscaler::note_fixed(fleet_, declaration, observed.pods.value());
}

autoscaler::Round Autoscaling::decide_within_allowance(Talk& talk, const Declaration& declaration,
                                                       autoscaler::RoundInput& input) {
  if (!fleet_.has_policies()) return autoscaler::decide_round(input);
  autoscaler::prepare_within(fleet_, declaration, input);
  input.plans = input.plans || talk.planned_by != input.policies ||
                talk.planned_at_revision != fleet_.revision();
  autoscaler::FleetRound decided = autoscaler::decide_within(fleet_, declaration, input);
  if (decided.round.decision) {
    talk.waits = decided.waits;
    talk.planned_by = input.policies;
    talk.planned_at_revision = fleet_.revision();
  }
  return std::move(decided.round);
}

}  // namespace ray_gitops::engine
