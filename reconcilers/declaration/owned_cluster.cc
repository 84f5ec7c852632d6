#include "reconcilers/declaration/owned_cluster.h"

#include <utility>

#include "reconcilers/declaration/json_access.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

Json inherited(const Json& keys) {
  Json kept = Json::object();
  for (const auto& [key, value] : keys.items())
    if (!key.starts_with(k_own_prefix)) kept[key] = value;
  return kept;
}

}  // namespace

Document owned_cluster_document(const Json& owner, const char* field) {
  Json metadata = Json::object();
  if (const Json* ns = find(owner, {"metadata", "namespace"})) metadata["namespace"] = *ns;
  for (const char* part : {"labels", "annotations"})
    if (Json kept = inherited(at_or_null(owner, {"metadata", part})); !kept.empty())
      metadata[part] = std::move(kept);
  return Document(Json{{"apiVersion", "ray.io/v1"},
                       {"kind", "RayCluster"},
                       {"metadata", std::move(metadata)},
                       {"spec", at_or_null(owner, {"spec", field})}});
}

}  // namespace ray_gitops
