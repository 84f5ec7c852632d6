#pragma once
// The Services of a RayCluster (KubeRay 1.7, "Head Service" and "Multi-host headless Service").

#include <string>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/document.h"

namespace ray_gitops {

// What every object of one cluster needs to know of its owner.
struct OwnerFacts {
  std::string agent_id;
  std::string anchor_name;  // the ConfigMap
  std::string anchor_uid;
};

// Its name leads to the head pod itself, at every port.
bool has_headless_service(const RayClusterSpec& spec);

// The body to apply, with its desired hash in an annotation. Deviation from KubeRay: the ports of a
// user's headService and ours are merged by name and by number, not appended.
Document head_service_body(const Declaration& declaration, const RayClusterSpec& spec,
                           const OwnerFacts& owner);

// By which the hosts of replicas find each other: a TPU webhook gives them names in it.
Document workers_service_body(const Declaration& declaration, const OwnerFacts& owner);

}  // namespace ray_gitops
