#pragma once
// The volumes of a pod and where its containers mount them.

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/local_cluster/kubelet/pod_plan.h"

namespace ray_gitops::local_cluster {

// emptyDir, configMap and secret; NotSupported for any other type.
PlanResult<std::vector<VolumePlan>> plan_volumes(const nlohmann::json& pod, const FindObject& find);
// Parents before what is mounted below them.
PlanResult<std::vector<MountPlan>> plan_mounts(const nlohmann::json& container,
                                               const Environment& environment,
                                               const std::vector<VolumePlan>& volumes);

}  // namespace ray_gitops::local_cluster
