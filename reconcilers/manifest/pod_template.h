#pragma once
// Reading a user's pod template. The Ray container is always containers[0] (KubeRay).

#include <map>
#include <string>

#include "reconcilers/model/document.h"

namespace ray_gitops {

// resources.limits or resources.requests of the Ray container, quantities as text; numbers are
// written as JSON writes them. Empty when there are none.
std::map<std::string, std::string> ray_container_resources(const Document& pod_template,
                                                           const char* list);

// The Ray container's image, or empty.
std::string ray_container_image(const Document& pod_template);

}  // namespace ray_gitops
