#pragma once
// What is really so in the cluster, for checkers: read from the store, not from the engine.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/model/declaration.h"
#include "tests/simulation/api.h"

namespace ray_gitops::simulation {

class Truth {
 public:
  explicit Truth(const Api& api) : api_(api) {}

  std::optional<ResourceView> find(const ResourceKey& key) const;
  std::optional<ConfigMapView> anchor(const ObjectKey& key) const;
  // What the cluster's anchor was made from; null without a readable anchor.
  std::shared_ptr<const Declaration> applied(const ObjectKey& key);
  // The job or service that the cluster was made for, as its anchor says.
  std::optional<ObjectKey> parent(const ObjectKey& cluster) const;
  // Empty when there is no agent's anchor.
  AgentState agent_state() const;
  std::optional<LeaseView> lease() const;
  // Pods that the cluster's live anchor owns.
  std::vector<PodView> pods(const ObjectKey& key) const;
  bool has_service(const ObjectKey& key);
  // Every declared pod is Ready, no other is there, the head Service is present. The workers of a
  // cluster that scales come and go without it.
  bool is_ready(const ObjectKey& key);
  // What stands in files: clusters that were made for jobs and services are not among them.
  std::vector<ObjectKey> anchored() const;

 private:
  const Api& api_;
  std::map<std::string, std::shared_ptr<const Declaration>> parsed_;  // by anchor uid and hash
};

const RayClusterSpec& cluster_spec(const Declaration& declaration);

}  // namespace ray_gitops::simulation
