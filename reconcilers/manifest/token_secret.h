#pragma once
// The Secret with the token of a RayCluster that asks for one (KubeRay 1.7, "Token auth").

#include "reconcilers/manifest/service.h"
#include "reconcilers/model/declaration.h"
#include "reconcilers/model/document.h"

namespace ray_gitops {

// The body to create, with an empty token: whoever sends it makes one up (Action::makes_token). It
// is immutable, since pods keep the token that they began with: a new token is a new Secret.
Document token_secret_body(const Declaration& declaration, const RayClusterSpec& spec,
                           const OwnerFacts& owner);

}  // namespace ray_gitops
