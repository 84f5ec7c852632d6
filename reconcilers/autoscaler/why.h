#pragma once
// A decision in words, for people: `ray-gitops why`.

#include <string>
#include <vector>

#include "reconcilers/autoscaler/round.h"

namespace ray_gitops::autoscaler {

// A sentence for each kind of demand that has no place, in the decision's order. Without numbers
// that pass by: it stands in the status branch.
std::vector<std::string> unplaced_demand(const PlannerDecision& decision);

// Lines of every group, in the file's order: its target, how many pods it has and why it is so; the
// pods below it, in order of name, each with why it stays or leaves; then what has no place. With
// `pod`, the lines of its group and its own only; empty where there is no such pod. A round that
// was not planned says why, and the rest as it is saved. Text of Ray and of the cluster is in it as
// it came: the caller makes it printable.
std::string render_why(const RoundInput& input, const Round& round, const std::string& pod);

}  // namespace ray_gitops::autoscaler
