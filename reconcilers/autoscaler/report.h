#pragma once
// What the head is told, so that `ray status` and the dashboard show it.

#include "reconcilers/autoscaler/planner.h"

namespace ray_gitops::autoscaler {

// Of a plan and its input. Pods that are wanted and not there, pods that are no Ray nodes yet, and
// groups that are backed off, with the time since when (`backed_off_since`, by group). As
// infeasible only what no group could ever hold: Ray may fail tasks for it. `now` is the report's
// version too, which therefore rises over restarts of the agent.
AutoscalingReport make_report(const PlannerInput& input, const PlannerDecision& decision,
                              const std::map<std::string, WallTime>& backed_off_since,
                              WallTime now);

// The largest shape the groups may take.
ClusterShape cluster_shape(const std::vector<Group>& groups);

}  // namespace ray_gitops::autoscaler
