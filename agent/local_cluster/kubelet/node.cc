#include "agent/local_cluster/kubelet/node.h"

#include <algorithm>

#include <nlohmann/json.hpp>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace ray_gitops::local_cluster {

using nlohmann::json;

constexpr std::int64_t k_pods_max = 250;

HostFacts read_host_facts() {
  HostFacts facts;
  facts.cores = std::max<std::int64_t>(1, sysconf(_SC_NPROCESSORS_ONLN));
  struct sysinfo memory{};
  if (sysinfo(&memory) == 0) {
    facts.memory_bytes = static_cast<std::int64_t>(memory.totalram) * memory.mem_unit;
  }
  utsname system{};
  if (uname(&system) == 0) {
    facts.hostname = system.nodename;
    facts.kernel = system.release;
    const std::string machine = system.machine;
    facts.architecture = machine == "x86_64" ? "amd64" : machine == "aarch64" ? "arm64" : machine;
  }
  return facts;
}

json render_node(const HostFacts& host, const std::string& address, WallTime now) {
  const json resources = {{"cpu", std::to_string(host.cores)},
                          {"memory", std::to_string(host.memory_bytes / 1024) + "Ki"},
                          {"pods", std::to_string(k_pods_max)}};
  const json ready = {{"type", "Ready"},
                      {"status", "True"},
                      {"reason", "KubeletReady"},
                      {"message", "pods run as processes of this host"},
                      {"lastHeartbeatTime", to_rfc3339(now)},
                      {"lastTransitionTime", to_rfc3339(now)}};
  return {{"apiVersion", "v1"},
          {"kind", "Node"},
          {"metadata",
           {{"name", k_node_name},
            {"labels",
             {{"kubernetes.io/hostname", host.hostname},
              {"kubernetes.io/os", "linux"},
              {"kubernetes.io/arch", host.architecture}}}}},
          {"spec", json::object()},
          {"status",
           {{"capacity", resources},
            {"allocatable", resources},
            {"conditions", json::array({ready})},
            {"addresses", json::array({{{"type", "InternalIP"}, {"address", address}},
                                       {{"type", "Hostname"}, {"address", host.hostname}}})},
            {"nodeInfo",
             {{"operatingSystem", "linux"},
              {"architecture", host.architecture},
              {"kernelVersion", host.kernel},
              {"osImage", "host"},
              {"containerRuntimeVersion", "processes://1"},
              {"kubeletVersion", "v1.33.0-ray-gitops"}}}}}};
}

}  // namespace ray_gitops::local_cluster
