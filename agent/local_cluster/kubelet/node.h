#pragma once
// The one Node of the local cluster: this host.

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "reconcilers/model/time.h"

namespace ray_gitops::local_cluster {

constexpr const char* k_node_name = "local";

struct HostFacts {
  std::int64_t cores = 1;
  std::int64_t memory_bytes = 0;
  std::string hostname;
  std::string kernel;
  std::string architecture;  // amd64, arm64
};

HostFacts read_host_facts();
// The Node object with its status. Allocatable is the capacity: nothing is set aside.
nlohmann::json render_node(const HostFacts& host, const std::string& address, WallTime now);

}  // namespace ray_gitops::local_cluster
