#pragma once
// The addresses of Services: 10.89.0.0/16, of which the first and the last are not given out.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ray_gitops::local_cluster {

constexpr std::uint32_t k_cluster_ip_first = (10U << 24U | 89U << 16U) + 1U;
constexpr std::uint32_t k_cluster_ip_last = (10U << 24U | 89U << 16U) + 0xfffeU;

// nullopt for what is no address of the range.
std::optional<std::uint32_t> parse_cluster_ip(std::string_view text);
std::string render_ip(std::uint32_t address);

}  // namespace ray_gitops::local_cluster
