#pragma once
// Kubernetes quantities: "500m", "2Gi", "1.5", "4e3" (Kubernetes API, resource.Quantity).

#include <cstdint>
#include <optional>
#include <string_view>

namespace ray_gitops {

// The value in thousandths, rounded up as Kubernetes does; nullopt for what is not a quantity, is
// negative, or does not fit.
std::optional<std::int64_t> parse_milli(std::string_view quantity);

// The value rounded up to a whole number: cores, bytes, devices.
std::optional<std::int64_t> parse_whole(std::string_view quantity);

}  // namespace ray_gitops
