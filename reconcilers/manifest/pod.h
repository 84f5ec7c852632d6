#pragma once
// The pods of a RayCluster, with KubeRay's content (KubeRay 1.7, "Pod construction"). Deviations
// are listed in docs/deviations.md.

#include <cstdint>
#include <string>

#include "reconcilers/manifest/service.h"
#include "reconcilers/model/declaration.h"
#include "reconcilers/model/document.h"

namespace ray_gitops {

Document head_pod_body(const Declaration& declaration, const RayClusterSpec& spec,
                       const OwnerFacts& owner, std::int64_t incarnation);

struct WorkerIdentity {
  std::string pod_name;
  std::int64_t slot = 0;  // of a group with several hosts: replica * hosts + host
  std::int64_t incarnation = 1;
};

Document worker_pod_body(const Declaration& declaration, const RayClusterSpec& spec,
                         const GroupSpec& group, const OwnerFacts& owner,
                         const WorkerIdentity& identity);

}  // namespace ray_gitops
