#pragma once
// The typed form of a RayJob document, and the hash that says which run it asks for.

#include <nlohmann/json.hpp>

#include "reconcilers/model/declaration.h"

namespace ray_gitops {

// Of a RayJob document that has no errors. clusterSelector wins over rayClusterSpec, and entrypoint
// resources of 0 are none (KubeRay 1.7).
//
// run_hash: {"entrypoint", "runtimeEnvYAML", "metadata", "jobId", "entrypointNumCpus",
// "entrypointNumGpus", "entrypointResources"} as written, the value of the annotation
// ray-gitops.io/run as "run", and "clusterSelector" (the cluster's name) or "rayClusterSpec" and
// "overwriteContainerCommand". What is not written is not in it. In rayClusterSpec the worker
// groups stand by name, and what scales the cluster, ends it or leads to it is left out. Everything
// that a group's template_hash is made of is in it: an edit that restarts pods is another run.
RayJobSpec make_rayjob_spec(const nlohmann::json& document);

}  // namespace ray_gitops
