#pragma once
// What a head answers about Serve. Pure. Seen with Ray 2.60; names of states are Ray's source,
// ray/serve/schema.py and ray/serve/_private/common.py.

#include <cstddef>

#include <nlohmann/json_fwd.hpp>

#include "reconcilers/model/ray_head.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::ray {

// Of the name of an application or deployment, in bytes.
constexpr std::size_t k_serve_name_bytes_max = 253;

// The answer to GetServe. Unavailable when it has no list of applications, an application whose
// status Ray does not have, more than the limits of ray_head.h and here allow. A state of a
// deployment or replica that is not spelled as Ray spells states (at most 32 capital letters and
// underscores) is "UNKNOWN". An application's message goes on with those of its deployments that
// are not HEALTHY: of a constructor that fails, the exception stands only there.
Result<ServeInfo> parse_serve(const nlohmann::json& answer);

}  // namespace ray_gitops::ray
