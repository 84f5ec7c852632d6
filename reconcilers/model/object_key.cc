#include "reconcilers/model/object_key.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "reconcilers/model/check.h"

namespace ray_gitops {
namespace {

constexpr int k_no_companion = -1;

// All that is known of a type. Its kind is a companion's if it has a wave.
struct TypeRow {
  ResourceType type;
  const char* plural;
  const char* kind;
  const char* api_version;
  Kind companion = Kind::RayCluster;
  int wave = k_no_companion;
};

// In the order of ResourceType. A binding refers to its role; pods are isolated, and their claims
// and accounts are there, before they start; routes lead to Services that have somebody behind.
constexpr std::array<TypeRow, 17> k_types{{
    {ResourceType::Namespace, "namespaces", "Namespace", "v1", Kind::Namespace, 0},
    {ResourceType::ConfigMap, "configmaps", "ConfigMap", "v1", Kind::ConfigMap, 3},
    {ResourceType::Secret, "secrets", "Secret", "v1", Kind::Secret, 3},
    {ResourceType::Service, "services", "Service", "v1", Kind::Service, 4},
    {ResourceType::Pod, "pods", "Pod", "v1"},
    {ResourceType::Lease, "leases", "Lease", "coordination.k8s.io/v1"},
    {ResourceType::PersistentVolumeClaim, "persistentvolumeclaims", "PersistentVolumeClaim", "v1",
     Kind::PersistentVolumeClaim, 3},
    {ResourceType::ServiceAccount, "serviceaccounts", "ServiceAccount", "v1", Kind::ServiceAccount,
     1},
    {ResourceType::Role, "roles", "Role", "rbac.authorization.k8s.io/v1", Kind::Role, 1},
    {ResourceType::RoleBinding, "rolebindings", "RoleBinding", "rbac.authorization.k8s.io/v1",
     Kind::RoleBinding, 2},
    {ResourceType::Deployment, "deployments", "Deployment", "apps/v1", Kind::Deployment, 5},
    {ResourceType::StatefulSet, "statefulsets", "StatefulSet", "apps/v1", Kind::StatefulSet, 5},
    {ResourceType::Job, "jobs", "Job", "batch/v1", Kind::Job, 5},
    {ResourceType::Ingress, "ingresses", "Ingress", "networking.k8s.io/v1", Kind::Ingress, 6},
    {ResourceType::NetworkPolicy, "networkpolicies", "NetworkPolicy", "networking.k8s.io/v1",
     Kind::NetworkPolicy, 3},
    {ResourceType::HTTPRoute, "httproutes", "HTTPRoute", "gateway.networking.k8s.io/v1",
     Kind::HTTPRoute, 6},
    {ResourceType::PodDisruptionBudget, "poddisruptionbudgets", "PodDisruptionBudget", "policy/v1",
     Kind::PodDisruptionBudget, 3},
}};

constexpr std::array<const char*, 5> k_own_kinds{"RayCluster", "RayJob", "RayService", "RayCronJob",
                                                 "AutoscalerPolicy"};
constexpr std::size_t k_kind_count = static_cast<std::size_t>(Kind::PodDisruptionBudget) + 1;

const TypeRow& row_of_companion(Kind kind) {
  const auto found = std::ranges::find_if(k_types, [kind](const TypeRow& row) {
    return row.wave != k_no_companion && row.companion == kind;
  });
  CHECK(found != k_types.end());
  return *found;
}

const TypeRow& row_of(ResourceType type) { return k_types.at(static_cast<std::size_t>(type)); }

std::string join_name(std::string text, const std::string& ns, const std::string& name) {
  if (!ns.empty()) text += "/" + ns;
  return text + "/" + name;
}

}  // namespace

const char* name_of(Kind kind) {
  return is_companion(kind) ? row_of_companion(kind).kind
                            : k_own_kinds.at(static_cast<std::size_t>(kind));
}

std::vector<Kind> all_kinds() {
  std::vector<Kind> kinds;
  kinds.reserve(k_kind_count);
  for (std::size_t index = 0; index < k_kind_count; ++index)
    kinds.push_back(static_cast<Kind>(index));
  return kinds;
}

std::optional<Kind> parse_kind(std::string_view name) {
  for (const Kind kind : all_kinds())
    if (name == name_of(kind)) return kind;
  return std::nullopt;
}

bool is_companion(Kind kind) { return kind >= Kind::Namespace; }

std::optional<Kind> companion_kind(ResourceType type) {
  const TypeRow& row = row_of(type);
  return row.wave == k_no_companion ? std::nullopt : std::optional(row.companion);
}

ResourceType companion_type(Kind companion) { return row_of_companion(companion).type; }
int companion_wave(Kind companion) { return row_of_companion(companion).wave; }

std::set<Kind> default_companions() {
  std::set<Kind> kinds;
  for (const TypeRow& row : k_types)
    if (row.wave != k_no_companion) kinds.insert(row.companion);
  for (const Kind kind : {Kind::Role, Kind::RoleBinding, Kind::Ingress, Kind::HTTPRoute})
    kinds.erase(kind);
  return kinds;
}

std::string to_string(const ObjectKey& key) {
  return join_name(name_of(key.kind), key.ns, key.name);
}

const char* plural_of(ResourceType type) { return row_of(type).plural; }
const char* kind_of(ResourceType type) { return row_of(type).kind; }
const char* api_version_of(ResourceType type) { return row_of(type).api_version; }

std::string_view group_of(ResourceType type) {
  const std::string_view version = api_version_of(type);
  const std::size_t slash = version.find('/');
  return slash == std::string_view::npos ? std::string_view() : version.substr(0, slash);
}

std::string to_string(const ResourceKey& key) {
  return join_name(kind_of(key.type), key.ns, key.name);
}

}  // namespace ray_gitops
