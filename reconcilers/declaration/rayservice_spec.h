#pragma once
// The typed form of a RayService document, and the hashes that say when a running cluster cannot
// become what it asks for.

#include <string>

#include <nlohmann/json.hpp>

#include "reconcilers/model/declaration.h"

namespace ray_gitops {

// The application of an entry of `applications` that has no name (Ray, SERVE_DEFAULT_APP_NAME).
inline constexpr const char* k_default_application = "default";

// Of a RayService document that has no errors.
//
// head_hash: {"rayVersion", "templateHash", "runtimeHash"} of the cluster and its head group;
// group_hashes: {"templateHash", "runtimeHash"} of each worker group; with the hashes that
// make_raycluster_spec gives of `cluster`. So the containers, rayStartParams, resources, labels and
// the Ray version are in them, and replicas, bounds, suspension, scaling, Services, and annotations
// other than ray.io/overwrite-container-cmd are not.
RayServiceSpec make_rayservice_spec(const nlohmann::json& document);

// Of an entry of `applications` in a Serve configuration.
std::string application_name(const nlohmann::json& application);

}  // namespace ray_gitops
