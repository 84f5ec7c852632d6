#pragma once
// Probes of the Ray container (KubeRay 1.7, "Probes"; deviations in docs/deviations.md).

#include <map>
#include <string>

#include <nlohmann/json.hpp>

namespace ray_gitops {

struct ProbeFacts {
  std::string ray_version;
  bool head = false;
  std::map<std::string, std::string> ray_start_params;
};

// Adds liveness and readiness probes where the container has none of its own, and a startup probe
// where it has not replaced both.
void add_probes(nlohmann::json& ray_container, const ProbeFacts& facts);

}  // namespace ray_gitops
