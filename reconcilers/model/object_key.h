#pragma once
// Names of things: what users declare (ObjectKey) and what we write to a cluster (ResourceKey).

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ray_gitops {

// Kinds a watched file may hold. The order is the order in which they appear in status.
enum class Kind : std::uint8_t {
  RayCluster,
  RayJob,
  RayService,
  RayCronJob,
  AutoscalerPolicy,
  Namespace,
  ConfigMap,
  Secret,
  PersistentVolumeClaim,
  Service,
  ServiceAccount,
  Role,
  RoleBinding,
  Deployment,
  StatefulSet,
  Job,
  Ingress,
  NetworkPolicy,
  HTTPRoute,
  PodDisruptionBudget
};

// "RayCluster", ...
const char* name_of(Kind kind);
std::optional<Kind> parse_kind(std::string_view name);
// The ones we apply as they are, beside those that we reconcile.
bool is_companion(Kind kind);
// All kinds, in their order.
std::vector<Kind> all_kinds();

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
enum class ResourceType : std::uint8_t {
  Namespace,
  ConfigMap,
  Secret,
  Service,
  Pod,
  Lease,
  PersistentVolumeClaim,
  ServiceAccount,
  Role,
  RoleBinding,
  Deployment,
  StatefulSet,
  Job,
  Ingress,
  NetworkPolicy,
  HTTPRoute,
  PodDisruptionBudget
};

// The companion that an object of this type may be; nullopt: none.
std::optional<Kind> companion_kind(ResourceType type);
// The type that a companion is an object of.
ResourceType companion_type(Kind companion);
// Companions of a lower wave are applied first and pruned last: nothing stands before what it
// refers to.
int companion_wave(Kind companion);
// What may stand in Git beside Ray files when the agent's configuration does not say: not what
// grants rights (Role, RoleBinding), which would hand whoever may commit as much as the agent
// itself may do, and not what opens a cluster to the outside (Ingress, HTTPRoute).
std::set<Kind> default_companions();

// "configmaps" (the plural in URLs), "ConfigMap" (the kind in bodies), "v1" (the apiVersion), "" or
// "apps" (the API group).
const char* plural_of(ResourceType type);
const char* kind_of(ResourceType type);
const char* api_version_of(ResourceType type);
std::string_view group_of(ResourceType type);

struct ResourceKey {
  ResourceType type = ResourceType::ConfigMap;
  std::string ns;  // empty for a Namespace
  std::string name;
  auto operator<=>(const ResourceKey&) const = default;
};

// "Pod/default/demo-head".
std::string to_string(const ResourceKey& key);

}  // namespace ray_gitops
