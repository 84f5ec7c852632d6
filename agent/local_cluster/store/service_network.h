#pragma once
// What Services get from the cluster: addresses of 10.96.0.0/16, of which the first and the last
// are not given out, and ports of the host. Neither may overlap the pods' addresses.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/local_cluster/store/api_error.h"

namespace ray_gitops::local_cluster {

constexpr const char* k_service_subnet = "10.96.0.0/16";
constexpr std::uint32_t k_cluster_ip_first = (10U << 24U | 96U << 16U) + 1U;
constexpr std::uint32_t k_cluster_ip_last = (10U << 24U | 96U << 16U) + 0xfffeU;
// Kubernetes' own default range.
constexpr std::uint32_t k_node_port_first = 30000;
constexpr std::uint32_t k_node_port_last = 32767;

// nullopt for what is no address of the range.
std::optional<std::uint32_t> parse_cluster_ip(std::string_view text);
std::string render_ip(std::uint32_t address);

// Does a Service of this type get ports of the host?
bool has_node_ports(const nlohmann::json& service);

// Which addresses and ports are taken. Services are whole objects.
class ServiceNetwork {
 public:
  void take(const nlohmann::json& service);
  void release(const nlohmann::json& service);
  // Gives `service` the lowest free address and node ports where it needs and has none. Causes for
  // what it asks for and cannot have: outside of the range, or taken by another Service than
  // `live`, which is the stored one that it replaces (null: none).
  std::vector<ApiCause> allocate(nlohmann::json& service, const nlohmann::json& live) const;

 private:
  void allocate_cluster_ip(nlohmann::json& service, const nlohmann::json& live,
                           std::vector<ApiCause>& causes) const;
  void allocate_node_ports(nlohmann::json& service, const nlohmann::json& live,
                           std::vector<ApiCause>& causes) const;

  std::set<std::uint32_t> cluster_ips_;
  std::set<std::uint32_t> node_ports_;
};

// A Service that had addresses of both families because it had no selector, and gets one: the
// server, which has IPv4 alone, looks at this before all else.
std::vector<ApiCause> check_ip_families(const nlohmann::json& service, const nlohmann::json& live);

// Before an update is judged: what it leaves out of what `live` was given is kept, and what was
// given to `live` and its new type cannot have goes (Kubernetes: patchAllocatedValues and
// dropTypeDependentFields of the Service registry).
void keep_allocated(const nlohmann::json& live, nlohmann::json& next);

}  // namespace ray_gitops::local_cluster
