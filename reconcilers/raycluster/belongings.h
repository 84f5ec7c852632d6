#pragma once
// What a cluster has beside its pods: Services, and the Secret with its token.

#include <string>
#include <vector>

#include "reconcilers/manifest/service.h"
#include "reconcilers/model/declaration.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/raycluster/observed.h"

namespace ray_gitops::raycluster {

struct BelongingsInput {
  const Declaration* declaration = nullptr;
  const RayClusterSpec* spec = nullptr;
  const OwnerFacts* owner = nullptr;
  const ClusterObserved* observed = nullptr;  // with every fact known
};

struct Belongings {
  std::vector<Action> actions;
  bool head_service_present = false;  // and as it should be
  // What holds the name that the Secret with the token is to have; empty: nothing that is not ours.
  std::string token_name_holder;
};

// Makes what is missing, replaces what differs, deletes what is not wanted any more.
Belongings plan_belongings(const BelongingsInput& input);

// Nothing of the cluster can start, or join, without it: the Secret that we make for its token.
// True where there is none to make.
bool has_token(const BelongingsInput& input);

}  // namespace ray_gitops::raycluster
