#include "agent/local_cluster/kubelet/service_routes.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/kubelet/json_access.h"
#include "agent/local_cluster/store/service_network.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;
using SlicesByService = std::multimap<std::string, const json*>;

constexpr const char* k_service_label = "kubernetes.io/service-name";

std::uint16_t port_number(const json& value) {
  const std::int64_t number = integer(value);
  return number > 0 && number <= 65535 ? static_cast<std::uint16_t>(number) : std::uint16_t{0};
}

bool is_tcp(const json& port) { return text(member(port, "protocol"), "TCP") == "TCP"; }

SlicesByService sort_slices(const std::vector<Document>& slices) {
  SlicesByService sorted;
  for (const Document& slice : slices) {
    const json& metadata = member(slice.json(), "metadata");
    sorted.emplace(text(member(metadata, "namespace")) + "/" +
                       text(member(metadata, "labels", k_service_label)),
                   &slice.json());
  }
  return sorted;
}

// The slice's number for the Service's port of this name; 0 when it has none.
std::uint16_t resolved_port(const json& slice, const std::string& name) {
  for (const json& port : elements(member(slice, "ports")))
    if (is_tcp(port) && text(member(port, "name")) == name)
      return port_number(member(port, "port"));
  return 0;
}

// Only the first address of an endpoint counts (Kubernetes API, EndpointSlice, "addresses").
std::string address_of(const json& endpoint) {
  const json& addresses = elements(member(endpoint, "addresses"));
  return addresses.empty() ? std::string() : text(addresses.front());
}

std::vector<SocketAddress> ready_endpoints(const SlicesByService& slices,
                                           const std::string& service, const std::string& port_name,
                                           const AddressPool& pods) {
  std::map<std::pair<std::string, SocketAddress>, SocketAddress> by_name;
  const auto [first, last] = slices.equal_range(service);
  for (auto at = first; at != last; ++at) {
    const std::uint16_t port = resolved_port(*at->second, port_name);
    if (port == 0) continue;
    for (const json& endpoint : elements(member(*at->second, "endpoints"))) {
      const SocketAddress address{address_of(endpoint), port};
      // Not said is ready (Kubernetes API, EndpointConditions).
      const bool is_ready = boolean(member(endpoint, "conditions", "ready"), true);
      if (is_ready && pods.is_pod_address(address.address))
        by_name.emplace(std::pair(text(member(endpoint, "targetRef", "name")), address), address);
    }
  }
  std::vector<SocketAddress> endpoints;
  for (const auto& [name, address] : by_name)
    if (std::ranges::find(endpoints, address) == endpoints.end()) endpoints.push_back(address);
  return endpoints;
}

}  // namespace

ServiceRoutes plan_service_routes(const std::vector<Document>& services,
                                  const std::vector<Document>& slices, const AddressPool& pods) {
  ServiceRoutes routes;
  const SlicesByService sorted = sort_slices(slices);
  for (const Document& document : services) {
    const json& service = document.json();
    const std::string name = text(member(service, "metadata", "namespace")) + "/" +
                             text(member(service, "metadata", "name"));
    const std::string address = text(member(service, "spec", "clusterIP"));
    if (!parse_cluster_ip(address)) continue;
    for (const json& port : elements(member(service, "spec", "ports"))) {
      if (!is_tcp(port)) continue;
      const ServiceRoute route{name,
                               ready_endpoints(sorted, name, text(member(port, "name")), pods)};
      if (route.endpoints.empty()) continue;
      const std::uint16_t number = port_number(member(port, "port"));
      const std::uint16_t node_port = port_number(member(port, "nodePort"));
      if (number != 0) routes.emplace(SocketAddress{address, number}, route);
      if (node_port != 0 && has_node_ports(service))
        routes.emplace(SocketAddress{k_node_port_address, node_port}, route);
    }
  }
  return routes;
}

std::vector<SocketAddress> choose_endpoints(const std::vector<SocketAddress>& endpoints,
                                            std::size_t connection_number) {
  std::vector<SocketAddress> chosen;
  const std::size_t count = std::min(endpoints.size(), k_endpoint_attempts_max);
  chosen.reserve(count);
  for (std::size_t attempt = 0; attempt < count; ++attempt)
    chosen.push_back(endpoints[(connection_number + attempt) % endpoints.size()]);
  return chosen;
}

bool is_local_client(std::string_view client, std::string_view listened, const AddressPool& pods) {
  return client == listened || client.starts_with("127.") || pods.is_pod_address(client);
}

}  // namespace ray_gitops::local_cluster
