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
  const ClusterObserved* observed = nullptr;  // with every fact known that its spec needs
  // A head is there that was made with a token, or will be: it would not know another one.
  bool has_head_with_token = false;
};

struct Belongings {
  std::vector<Action> actions;
  bool head_service_present = false;  // and as it should be
  // Why there is no Secret with the token yet; empty: it is there, or none is wanted.
  std::string token_problem;
  bool token_name_is_taken = false;  // by a Secret that is not ours
};

// Makes what is missing, replaces what differs, deletes what is not wanted any more.
Belongings plan_belongings(const BelongingsInput& input);

// The cluster has a token of ours, by its file.
bool makes_token(const RayClusterSpec& spec);
// The Secret that we make for it is there, or none is to be made. Without it nothing of the cluster
// can start or join.
bool has_token(const BelongingsInput& input);

}  // namespace ray_gitops::raycluster
