#pragma once
// The rules of a Serve configuration. Source: the schemas of Ray 2.60 (ServeDeploySchema,
// ServeApplicationSchema, DeploymentSchema), and what Ray takes without a word though it cannot
// work: fields that it does not know, and route prefixes that its proxies never match.

#include <cstdint>
#include <optional>

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/findings.h"

namespace ray_gitops {

// serveConfigV2 of a RayService's spec, which stands at `path` and has passed its schema. A finding
// stands at the field; its text says which line of the configuration it is about. What Ray passes
// on (args, user_config, ...) is only checked for being a mapping. Gives the port that Serve's HTTP
// proxies listen on; nullopt when the configuration cannot be read.
std::optional<std::int64_t> check_serve_config(const nlohmann::json& spec, const Path& path,
                                               Findings& findings);

}  // namespace ray_gitops
