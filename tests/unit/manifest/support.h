#pragma once
// What the tests of this folder share.

#include <string>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/pod.h"
#include "reconcilers/manifest/service.h"
#include "tests/support/declared.h"

namespace ray_gitops::test {

inline const OwnerFacts k_owner{"prod", "raycluster.demo", "uid-of-the-anchor"};

// A RayCluster with one worker group. The arguments are flow-style YAML that is added to the place
// they name: ", key: value".
struct ClusterText {
  std::string metadata = {};
  std::string spec = {};
  std::string head = {};
  std::string head_metadata = {};
  std::string head_pod = {};
  std::string head_container = {};
  std::string worker = {};
  std::string worker_pod = {};
  std::string worker_container = {};
};

inline Declaration cluster(const ClusterText& text) {
  return declared(
      "apiVersion: ray.io/v1\nkind: RayCluster\nmetadata: {name: demo" + text.metadata +
      "}\nspec:\n  rayVersion: 2.53.0\n" + text.spec + "  headGroupSpec: {rayStartParams: {}" +
      text.head + ", template: {metadata: {annotations: {}" + text.head_metadata +
      "}, spec: {containers: [{name: ray-head, image: 'rayproject/ray:2.53.0'" +
      text.head_container + "}]" + text.head_pod +
      "}}}\n  workerGroupSpecs:\n  - {groupName: small, replicas: 1" + text.worker +
      ", template: {spec: {containers: [{name: ray-worker, image: 'rayproject/ray:2.53.0'" +
      text.worker_container + "}]" + text.worker_pod + "}}}\n");
}

inline nlohmann::json head_of(const Declaration& declaration) {
  return head_pod_body(declaration, cluster_spec(declaration), k_owner, 1).json();
}

inline nlohmann::json worker_of(const Declaration& declaration, std::int64_t slot = 0) {
  const RayClusterSpec& spec = cluster_spec(declaration);
  const std::string name = worker_pod_name(declaration.key.name, spec.workers.at(0).name, slot);
  return worker_pod_body(declaration, spec, spec.workers.at(0), k_owner,
                         {.pod_name = name, .slot = slot})
      .json();
}

inline nlohmann::json service_of(const Declaration& declaration) {
  return head_service_body(declaration, cluster_spec(declaration), k_owner).json();
}

// The Ray container of a pod.
inline nlohmann::json ray_container(const nlohmann::json& pod) {
  return pod.at("spec").at("containers").at(0);
}

}  // namespace ray_gitops::test
