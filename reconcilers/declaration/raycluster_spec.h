#pragma once
// The typed form of a RayCluster document, with KubeRay's defaults, and the hashes of its groups.

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "reconcilers/model/declaration.h"

namespace ray_gitops {

// How many replicas a worker group asks for. KubeRay: minReplicas 0, maxReplicas 2147483647, and
// replicas clamped to them, minReplicas when left out.
struct Scale {
  std::int64_t min = 0;
  std::int64_t max = 2147483647;
  std::int64_t replicas = 0;
};
Scale scale_of(const nlohmann::json& worker_group);

// The image of the group's Ray container (its first one).
std::string ray_image_of(const nlohmann::json& group);
// The value of a variable of the group's Ray container; "" when it comes from elsewhere; nullopt
// when it is not set.
std::optional<std::string> environment_of(const nlohmann::json& group, const char* name);

// Whether the annotation of a cluster or job keeps the containers' own commands.
bool overwrites_command(const nlohmann::json& document);

// Of a RayCluster document that has no errors.
//
// template_hash: {"template", "rayStartParams", "resources", "labels", "numOfHosts"} of the group
// as written, with "rayVersion" and "overwriteContainerCommand" of the cluster; what is not written
// is not in it. runtime_hash: {"rayVersion", "image"} of the Ray container.
RayClusterSpec make_raycluster_spec(const nlohmann::json& document);

// Over {"kind", "metadata": {"annotations", "labels", "name"}} and every other part of the document
// as written, but apiVersion, metadata.namespace and status.
std::string compute_spec_hash(const nlohmann::json& document);

}  // namespace ray_gitops
