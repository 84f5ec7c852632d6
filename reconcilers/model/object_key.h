#pragma once
// Names of things: what users declare (ObjectKey) and what we write to a cluster (ResourceKey).

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ray_gitops {

// Kinds a watched file may hold. The order is the order in which they appear in status.
enum class Kind : std::uint8_t {
  RayCluster,
  RayJob,
  RayService,
  RayCronJob,
  Namespace,
  ConfigMap,
  Secret
};

// "RayCluster", ...
const char* name_of(Kind kind);
std::optional<Kind> parse_kind(std::string_view name);
// The ones we apply as they are, beside the Ray kinds that we reconcile.
bool is_companion(Kind kind);

// The identity of a declaration. The file it stands in is provenance, not identity.
struct ObjectKey {
  Kind kind = Kind::RayCluster;
  std::string ns;  // empty for a Namespace
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;
};

// "RayCluster/default/demo", or "Namespace/demo".
std::string to_string(const ObjectKey& key);

// Kubernetes resource types the agent reads or writes.
enum class ResourceType : std::uint8_t { Namespace, ConfigMap, Secret, Service, Pod, Lease };

// The companion that an object of this type may be; nullopt: none.
std::optional<Kind> companion_kind(ResourceType type);

// "configmaps" (the plural in URLs), "ConfigMap" (the kind in bodies), "v1" (the apiVersion).
const char* plural_of(ResourceType type);
const char* kind_of(ResourceType type);
const char* api_version_of(ResourceType type);

struct ResourceKey {
  ResourceType type = ResourceType::ConfigMap;
  std::string ns;  // empty for a Namespace
  std::string name;
  auto operator<=>(const ResourceKey&) const = default;
};

// "Pod/default/demo-head".
std::string to_string(const ResourceKey& key);

}  // namespace ray_gitops
