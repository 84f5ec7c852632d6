#pragma once
// What the API server refuses as Invalid: one cause a field.

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/local_cluster/store/api_error.h"
#include "agent/local_cluster/store/resource_types.h"

namespace ray_gitops::local_cluster {

constexpr std::size_t k_label_value_characters_max = 63;
constexpr std::size_t k_name_characters_max = 253;
constexpr std::size_t k_annotations_bytes_max = 256UL * 1024;
constexpr std::size_t k_config_data_bytes_max = 1024UL * 1024;  // of a ConfigMap's or Secret's data

// Causes against an object as it would be stored (defaults filled in).
std::vector<ApiCause> find_violations(const ResourceType& type, const nlohmann::json& object);
// Causes against the change: fields that may not change.
std::vector<ApiCause> find_forbidden_changes(const ResourceType& type, const nlohmann::json& before,
                                             const nlohmann::json& after);
// Empty, or why the parts we rely on are not of their type: "metadata must be an object".
std::string find_malformed(const ResourceType& type, const nlohmann::json& object);

}  // namespace ray_gitops::local_cluster
