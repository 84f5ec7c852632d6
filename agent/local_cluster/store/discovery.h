#pragma once
// What a client finds out before it asks for objects: groups, versions and resource types.

#include <optional>
#include <string_view>

#include "reconcilers/model/document.h"

namespace ray_gitops::local_cluster {

// Of /api, /api/v1, /apis, /apis/GROUP, /apis/GROUP/VERSION, /version; nullopt for other paths.
std::optional<Document> render_discovery(std::string_view path);

}  // namespace ray_gitops::local_cluster
