#include "reconcilers/manifest/token_secret.h"

#include <utility>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/object_parts.h"

namespace ray_gitops {

Document token_secret_body(const Declaration& declaration, const RayClusterSpec& spec,
                           const OwnerFacts& owner) {
  const std::string& cluster = declaration.key.name;
  nlohmann::json metadata{
      {"name", token_secret_name(cluster, spec)},
      {"namespace", declaration.key.ns},
      {"labels", {{labels::k_cluster, cluster}, {labels::k_agent, owner.agent_id}}},
      {"ownerReferences", nlohmann::json::array({owner_reference(owner)})}};
  return Document{nlohmann::json{{"apiVersion", "v1"},
                                 {"kind", "Secret"},
                                 {"metadata", std::move(metadata)},
                                 {"type", "Opaque"},
                                 {"immutable", true},
                                 {"data", {{k_token_key, ""}}}}};
}

}  // namespace ray_gitops
