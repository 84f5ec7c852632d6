#include "agent/local_cluster/store/resource_types.h"

#include <algorithm>
#include <array>

namespace ray_gitops::local_cluster {
namespace {

constexpr std::array k_types{
    ResourceType{.version = "v1",
                 .plural = "configmaps",
                 .kind = "ConfigMap",
                 .singular = "configmap",
                 .short_name = "cm"},
    ResourceType{.version = "v1",
                 .plural = "events",
                 .kind = "Event",
                 .singular = "event",
                 .short_name = "ev",
                 .creates_on_update = true},
    ResourceType{.version = "v1",
                 .plural = "namespaces",
                 .kind = "Namespace",
                 .singular = "namespace",
                 .short_name = "ns",
                 .namespaced = false,
                 .has_status = true},
    ResourceType{.version = "v1",
                 .plural = "nodes",
                 .kind = "Node",
                 .singular = "node",
                 .short_name = "no",
                 .namespaced = false,
                 .has_status = true},
    ResourceType{.version = "v1",
                 .plural = "persistentvolumeclaims",
                 .kind = "PersistentVolumeClaim",
                 .singular = "persistentvolumeclaim",
                 .short_name = "pvc",
                 .has_status = true,
                 .delete_answer = DeleteAnswer::Object},
    ResourceType{.version = "v1",
                 .plural = "pods",
                 .kind = "Pod",
                 .singular = "pod",
                 .short_name = "po",
                 .has_status = true,
                 .has_generation = true,
                 .in_category_all = true,
                 .delete_answer = DeleteAnswer::Object},
    ResourceType{.version = "v1", .plural = "secrets", .kind = "Secret", .singular = "secret"},
    ResourceType{.version = "v1",
                 .plural = "serviceaccounts",
                 .kind = "ServiceAccount",
                 .singular = "serviceaccount",
                 .short_name = "sa",
                 .delete_answer = DeleteAnswer::Object},
    ResourceType{.version = "v1",
                 .plural = "services",
                 .kind = "Service",
                 .singular = "service",
                 .short_name = "svc",
                 .has_status = true,
                 .in_category_all = true,
                 .creates_on_update = true,
                 .delete_answer = DeleteAnswer::Object},
    ResourceType{.group = "coordination.k8s.io",
                 .version = "v1",
                 .plural = "leases",
                 .kind = "Lease",
                 .singular = "lease",
                 .creates_on_update = true},
    ResourceType{.group = "discovery.k8s.io",
                 .version = "v1",
                 .plural = "endpointslices",
                 .kind = "EndpointSlice",
                 .singular = "endpointslice",
                 .has_generation = true},
    ResourceType{.group = "apps",
                 .version = "v1",
                 .plural = "deployments",
                 .kind = "Deployment",
                 .singular = "deployment",
                 .short_name = "deploy",
                 .has_status = true,
                 .has_generation = true,
                 .in_category_all = true},
    ResourceType{.group = "apps",
                 .version = "v1",
                 .plural = "statefulsets",
                 .kind = "StatefulSet",
                 .singular = "statefulset",
                 .short_name = "sts",
                 .has_status = true,
                 .has_generation = true,
                 .in_category_all = true},
    ResourceType{.group = "batch",
                 .version = "v1",
                 .plural = "jobs",
                 .kind = "Job",
                 .singular = "job",
                 .has_status = true,
                 .has_generation = true,
                 .in_category_all = true},
    ResourceType{.group = "gateway.networking.k8s.io",
                 .version = "v1",
                 .plural = "httproutes",
                 .kind = "HTTPRoute",
                 .singular = "httproute",
                 .has_status = true,
                 .has_generation = true},
    ResourceType{.group = "networking.k8s.io",
                 .version = "v1",
                 .plural = "ingresses",
                 .kind = "Ingress",
                 .singular = "ingress",
                 .short_name = "ing",
                 .has_status = true,
                 .has_generation = true},
    ResourceType{.group = "networking.k8s.io",
                 .version = "v1",
                 .plural = "networkpolicies",
                 .kind = "NetworkPolicy",
                 .singular = "networkpolicy",
                 .short_name = "netpol",
                 .has_generation = true},
    ResourceType{.group = "policy",
                 .version = "v1",
                 .plural = "poddisruptionbudgets",
                 .kind = "PodDisruptionBudget",
                 .singular = "poddisruptionbudget",
                 .short_name = "pdb",
                 .has_status = true,
                 .has_generation = true},
    ResourceType{.group = "rbac.authorization.k8s.io",
                 .version = "v1",
                 .plural = "rolebindings",
                 .kind = "RoleBinding",
                 .singular = "rolebinding",
                 .creates_on_update = true},
    ResourceType{.group = "rbac.authorization.k8s.io",
                 .version = "v1",
                 .plural = "roles",
                 .kind = "Role",
                 .singular = "role",
                 .creates_on_update = true},
};

}  // namespace

std::span<const ResourceType> resource_types() { return k_types; }

const ResourceType* find_type(std::string_view group, std::string_view version,
                              std::string_view plural) {
  const ResourceType* type = find_type_by_plural(plural);
  return type != nullptr && type->group == group && type->version == version ? type : nullptr;
}

const ResourceType* find_type_by_plural(std::string_view plural) {
  const auto found = std::ranges::find(k_types, plural, &ResourceType::plural);
  return found == k_types.end() ? nullptr : &*found;
}

std::string api_version_of(const ResourceType& type) {
  std::string version(type.version);
  return type.group.empty() ? version : std::string(type.group) + "/" + version;
}

std::string qualified_name_of(const ResourceType& type) {
  std::string plural(type.plural);
  return type.group.empty() ? plural : plural + "." + std::string(type.group);
}

}  // namespace ray_gitops::local_cluster
