#include "reconcilers/model/object_key.h"

#include <array>
#include <cstddef>

namespace ray_gitops {
namespace {

constexpr std::array<const char*, 7> k_kinds{"RayCluster", "RayJob",    "RayService", "RayCronJob",
                                             "Namespace",  "ConfigMap", "Secret"};

struct TypeRow {
  const char* plural;
  const char* kind;
  const char* api_version;
};

constexpr std::array<TypeRow, 6> k_types{{
    {"namespaces", "Namespace", "v1"},
    {"configmaps", "ConfigMap", "v1"},
    {"secrets", "Secret", "v1"},
    {"services", "Service", "v1"},
    {"pods", "Pod", "v1"},
    {"leases", "Lease", "coordination.k8s.io/v1"},
}};

const TypeRow& row_of(ResourceType type) { return k_types.at(static_cast<std::size_t>(type)); }

std::string join_name(std::string text, const std::string& ns, const std::string& name) {
  if (!ns.empty()) text += "/" + ns;
  return text + "/" + name;
}

}  // namespace

const char* name_of(Kind kind) { return k_kinds.at(static_cast<std::size_t>(kind)); }

std::optional<Kind> parse_kind(std::string_view name) {
  for (std::size_t index = 0; index < k_kinds.size(); ++index)
    if (name == k_kinds.at(index)) return static_cast<Kind>(index);
  return std::nullopt;
}

bool is_companion(Kind kind) { return kind >= Kind::Namespace; }

std::optional<Kind> companion_kind(ResourceType type) {
  switch (type) {
    case ResourceType::Namespace:
      return Kind::Namespace;
    case ResourceType::ConfigMap:
      return Kind::ConfigMap;
    case ResourceType::Secret:
      return Kind::Secret;
    case ResourceType::Service:
    case ResourceType::Pod:
    case ResourceType::Lease:
      return std::nullopt;
  }
  return std::nullopt;
}

std::string to_string(const ObjectKey& key) {
  return join_name(name_of(key.kind), key.ns, key.name);
}

const char* plural_of(ResourceType type) { return row_of(type).plural; }
const char* kind_of(ResourceType type) { return row_of(type).kind; }
const char* api_version_of(ResourceType type) { return row_of(type).api_version; }

std::string to_string(const ResourceKey& key) {
  return join_name(kind_of(key.type), key.ns, key.name);
}

}  // namespace ray_gitops
