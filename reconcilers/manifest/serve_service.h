#pragma once
// The Service that leads to what a RayService serves (KubeRay 1.7, "Services").

#include <string>

#include "reconcilers/manifest/service.h"
#include "reconcilers/model/declaration.h"
#include "reconcilers/model/document.h"

namespace ray_gitops {

// serveService.metadata.name, or "<service>-serve-svc".
std::string serve_service_name(const std::string& service, const RayServiceSpec& spec);

// The body to create or replace, with its desired hash in an annotation. It selects the pods of
// `cluster` with the label ray.io/serve: "true", and no others. Ports: those of the head's Ray
// container that are named `serve` or `serve-...`, 8000 when it lists no ports at all; a port of
// the same name in serveService takes its place, user's ports of other names are dropped. When the
// container lists ports but none of those, the user's are used as they are (KubeRay).
// Type: of serveService, else headGroupSpec.serviceType, else ClusterIP. Labels and annotations of
// serveService stay, except where ours have the same key.
Document serve_service_body(const Declaration& declaration, const RayServiceSpec& spec,
                            const std::string& cluster, const OwnerFacts& owner);

// The pod object with nothing but its name and whether it serves ("true", "false"), for a
// server-side apply. A pod is made without the label, so that only this apply owns it; where
// somebody else does, the apply conflicts.
Document serve_label_body(const std::string& pod, const std::string& ns, bool serves);

}  // namespace ray_gitops
