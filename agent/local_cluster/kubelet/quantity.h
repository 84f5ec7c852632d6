#pragma once
// Kubernetes quantities ("500m", "2Gi", "1e3") as numbers.

#include <cstdint>
#include <optional>
#include <string_view>

namespace ray_gitops::local_cluster {

// nullopt for what is none, or is negative.
std::optional<double> parse_quantity(std::string_view text);
// Rounded up; nullopt also for what does not fit.
std::optional<std::int64_t> parse_bytes(std::string_view text);

}  // namespace ray_gitops::local_cluster
