#pragma once
// What to say about a RayCluster: phase, reason, conditions.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/raycluster/census.h"
#include "reconcilers/raycluster/observed.h"

namespace ray_gitops::raycluster {

struct HealthInput {
  const RayClusterSpec* spec = nullptr;
  const Census* census = nullptr;
  const ClusterObserved* observed = nullptr;
  bool service_present = false;
  std::string restarting;  // why the cluster or a group restarts; empty when none does
  bool failing = false;    // pods failed and their replacement is on its way or waits
  // Who holds the head's name while the head is missing.
  const PodView* name_holder = nullptr;
  std::string token_problem = {};  // see Belongings
  bool token_name_is_taken = false;
};

// Fills phase, reason, message, conditions and `ray` of the plan. Ready is: every declared pod is
// Ready, no other is there that is not leaving already, nothing restarts, and the head Service is
// present. A cluster that the autoscaler sizes stays Ready while pods come and leave.
void describe_health(const HealthInput& input, Plan& plan);

}  // namespace ray_gitops::raycluster
