#pragma once
// YAML as kubeconfig files use it: one document of maps, lists and scalars.

#include <string_view>

#include "reconcilers/model/document.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::kubernetes {

// Scalars become strings, whatever they look like. InvalidInput for what is not YAML, has anchors,
// aliases, repeated keys, keys that are no scalars or a second document, or is nested deeper than
// k_json_depth_max. Messages say the line, never the content.
Result<Document> parse_yaml(std::string_view text);

}  // namespace ray_gitops::kubernetes
