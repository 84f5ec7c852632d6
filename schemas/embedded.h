#pragma once
// The JSON Schemas (draft-07) of this folder, as bytes in the binary.

#include <string_view>

namespace ray_gitops::schemas {

extern const std::string_view raycluster;
extern const std::string_view rayjob;
extern const std::string_view rayservice;
extern const std::string_view raycronjob;
extern const std::string_view autoscalerpolicy;
extern const std::string_view namespace_;
extern const std::string_view configmap;
extern const std::string_view secret;
extern const std::string_view companion;
extern const std::string_view agent_config;

}  // namespace ray_gitops::schemas
