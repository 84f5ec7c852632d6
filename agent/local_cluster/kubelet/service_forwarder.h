#pragma once
// Makes the addresses of Services answer: listens on them and connects who comes to a ready pod.
// Bytes go both ways until both sides have ended; one side may end before the other. No connection
// is ended for being idle.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "agent/local_cluster/kubelet/address_pool.h"
#include "agent/local_cluster/kubelet/service_routes.h"
#include "reconcilers/model/time.h"

struct event_base;

namespace ray_gitops::local_cluster {

// Of all Services together. Each has two file descriptors, and a process usually 1024.
constexpr std::size_t k_forwarded_connections_max = 400;
// On their way in one direction of a connection; a sender that is faster than its receiver waits.
constexpr std::size_t k_forwarded_bytes_max = 256UL * 1024;
// For one endpoint to accept; then comes the next.
constexpr Duration k_endpoint_connect_max{3'000};

struct ForwarderLimits {
  std::size_t connections_max = k_forwarded_connections_max;
  std::size_t bytes_max = k_forwarded_bytes_max;
  Duration connect_max = k_endpoint_connect_max;
};

class ServiceForwarder {
 public:
  // `pods`: who may connect besides this host's own processes. `base` must live longer.
  ServiceForwarder(event_base* base, AddressPool pods, ForwarderLimits limits = {});
  ~ServiceForwarder();  // resets every connection
  ServiceForwarder(const ServiceForwarder&) = delete;
  ServiceForwarder& operator=(const ServiceForwarder&) = delete;

  // From now on exactly these are listened on, and a new connection goes to one of these endpoints.
  // Connections that there are stay. What cannot be listened on (another process has the port) is
  // logged once and tried again with each call; it does not harm the others.
  void set_routes(ServiceRoutes routes);

  std::size_t connection_count() const { return connections_.size(); }

 private:
  struct Listener;
  struct Connection;

  void listen(Listener& listener);
  void accept(Listener& listener, int socket, const std::string& client);
  void drop(std::uint64_t connection);

  event_base* base_;
  AddressPool pods_;
  ForwarderLimits limits_;
  std::uint64_t last_id_ = 0;
  std::map<SocketAddress, std::unique_ptr<Listener>> listeners_;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
};

}  // namespace ray_gitops::local_cluster
