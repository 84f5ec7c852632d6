#pragma once
// The clusters that are made for a job or a service.

#include <nlohmann/json.hpp>

#include "reconcilers/model/document.h"

namespace ray_gitops {

// Of annotations and labels that speak to the agent.
inline constexpr const char* k_own_prefix = "ray-gitops.io/";

// The RayCluster document with the spec that stands in `field` of the owner's spec, without
// metadata.name. It has the owner's namespace, and its labels and annotations without those that
// speak to the agent about the owner.
Document owned_cluster_document(const nlohmann::json& owner, const char* field);

}  // namespace ray_gitops
