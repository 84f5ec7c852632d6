#pragma once
// Which addresses of Services this host listens on, and which pods are behind them: what kube-proxy
// of a real node decides. Pure.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/local_cluster/kubelet/address_pool.h"
#include "reconcilers/model/document.h"

namespace ray_gitops::local_cluster {

// Where node ports are listened on: other machines do not reach them.
constexpr const char* k_node_port_address = "127.0.0.1";
// Endpoints that one connection is tried with before it is given up.
constexpr std::size_t k_endpoint_attempts_max = 5;

struct SocketAddress {
  std::string address;  // IPv4
  std::uint16_t port = 0;
  auto operator<=>(const SocketAddress&) const = default;
};

struct ServiceRoute {
  std::string service;                   // "namespace/name"
  std::vector<SocketAddress> endpoints;  // by the names of their pods; never empty
  bool operator==(const ServiceRoute&) const = default;
};

// By the address that is listened on.
using ServiceRoutes = std::map<SocketAddress, ServiceRoute>;

// The TCP ports of every Service with an address of the cluster, and its node ports, that have a
// ready endpoint in an EndpointSlice of the Service. Endpoints that are no pods' addresses are left
// out: nothing leads from the pods to anywhere else.
ServiceRoutes plan_service_routes(const std::vector<Document>& services,
                                  const std::vector<Document>& slices, const AddressPool& pods);

// The endpoints that the connection of this number is tried with, in order: round robin.
std::vector<SocketAddress> choose_endpoints(const std::vector<SocketAddress>& endpoints,
                                            std::size_t connection_number);

// Is the client a pod or a process of this host? Who connects to an address of this host from this
// host has that same address, or one of loopback.
bool is_local_client(std::string_view client, std::string_view listened, const AddressPool& pods);

}  // namespace ray_gitops::local_cluster
