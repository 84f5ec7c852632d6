#include "agent/local_cluster/store/service_network.h"

#include <charconv>

namespace ray_gitops::local_cluster {

std::optional<std::uint32_t> parse_cluster_ip(std::string_view text) {
  std::uint32_t address = 0;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && (at == end || *at != '.')) return std::nullopt;
    if (part > 0) ++at;
    std::uint32_t value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc{} || value > 255U) return std::nullopt;
    address = address << 8U | value;
    at = next;
  }
  const bool is_ours = at == end && address >= k_cluster_ip_first && address <= k_cluster_ip_last;
  return is_ours ? std::optional(address) : std::nullopt;
}

std::string render_ip(std::uint32_t address) {
  return std::to_string(address >> 24U) + "." + std::to_string(address >> 16U & 255U) + "." +
         std::to_string(address >> 8U & 255U) + "." + std::to_string(address & 255U);
}

}  // namespace ray_gitops::local_cluster
