#include "reconcilers/parent/child.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/model/digest.h"

namespace ray_gitops::parent {

Declaration child_declaration(const Declaration& parent, const Document& cluster,
                              const ObjectKey& child) {
  nlohmann::json document = cluster.json().is_object() ? cluster.json() : nlohmann::json::object();
  nlohmann::json& metadata = document["metadata"];
  if (!metadata.is_object()) metadata = nlohmann::json::object();
  metadata["name"] = child.name;
  metadata["namespace"] = child.ns;
  Declaration declaration;
  declaration.key = child;
  declaration.document = Document{std::move(document)};
  declaration.provenance = parent.provenance;
  declaration.spec = RayClusterSpec{};
  declaration.spec_hash = stored_hash(declaration.document.canonical());
  return declaration;
}

}  // namespace ray_gitops::parent
