#pragma once
// One cluster's round within what policies allow all clusters together.

#include <vector>

#include "reconcilers/autoscaler/fleet.h"
#include "reconcilers/autoscaler/round.h"
#include "reconcilers/model/declaration.h"
#include "reconcilers/model/view.h"

namespace ray_gitops::autoscaler {

// Says to the fleet what a cluster that does not scale has, `pods`, or is to have.
void note_fixed(Fleet& fleet, const Declaration& cluster, const std::vector<PodView>& pods);

// Says to the fleet what a cluster that scales has or is to have, and puts what policies say of its
// groups into `input`, which is complete but for that.
void prepare_within(Fleet& fleet, const Declaration& cluster, RoundInput& input);

struct FleetRound {
  Round round;
  bool waits = false;  // it wants more than it is granted
};

// After prepare_within(). Plans as if there were no limit, says to the fleet what that takes, and
// plans again within what the fleet grants where that is less.
FleetRound decide_within(Fleet& fleet, const Declaration& cluster, RoundInput& input);

}  // namespace ray_gitops::autoscaler
