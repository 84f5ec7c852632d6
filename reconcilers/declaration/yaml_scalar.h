#pragma once
// The type of a plain scalar, by the core schema of YAML 1.2 (section 10.3.2).

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

namespace ray_gitops {

// null, true, 12, 0x1F, 0o17, 1.5e3, or the string itself (yes, on, 2026-01-01, 1.2.3). 012 is 12.
// A number that is whole becomes an integer however it is spelled: 1.0 and 1e0 are 1, as JSON
// Schema and Kubernetes see it. nullopt: .inf, .nan, and numbers that do not fit into 64 bits.
std::optional<nlohmann::json> parse_plain_scalar(const std::string& text);

}  // namespace ray_gitops
