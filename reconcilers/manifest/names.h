#pragma once
// Names of everything we make. Deterministic and readable, so that repeating a create is harmless
// and a person can tell from a name what it belongs to.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/object_key.h"

namespace ray_gitops {

// A DNS label (RFC 1123), which is also what a pod's host name may be.
inline constexpr std::size_t k_name_bytes_max = 63;

// The name itself, or its beginning, "-", and 8 digits of its hash when it is longer than the
// limit.
std::string fit_name(const std::string& name, std::size_t bytes_max = k_name_bytes_max);

// "<cluster>-head"
std::string head_pod_name(const std::string& cluster);
// "<cluster>-<group>-worker-<slot>", with "<cluster>-<group>" shortened where it must be.
std::string worker_pod_name(const std::string& cluster, const std::string& group,
                            std::int64_t slot);
// The same without the slot.
std::string worker_pod_prefix(const std::string& cluster, const std::string& group);
// The slot in a name that worker_pod_name made for this cluster and group, or for those of
// `prefix`.
std::optional<std::int64_t> slot_of(const std::string& pod_name, const std::string& cluster,
                                    const std::string& group);
std::optional<std::int64_t> slot_after(const std::string& prefix, const std::string& pod_name);
// "<group>-<index>", shortened where it must be: a label's value.
std::string replica_name(const std::string& group, std::int64_t index);
// headGroupSpec.headService.metadata.name, or "<cluster>-head-svc" (KubeRay).
std::string head_service_name(const std::string& cluster, const RayClusterSpec& spec);
// authOptions.secretName, or the cluster's name (KubeRay): the Secret that holds the token.
std::string token_secret_name(const std::string& cluster, const RayClusterSpec& spec);
inline constexpr const char* k_token_key = "auth_token";  // of its data (KubeRay)
// "<cluster>-headless" (KubeRay)
std::string workers_service_name(const std::string& cluster);
// What Serve listens on unless it is told otherwise (Ray), and the name of its port (KubeRay).
inline constexpr int k_serve_port = 8000;
inline constexpr const char* k_serve_port_name = "serve";
// `serve`, or `serve-...`: requests to such a port are for Serve.
bool is_serve_port_name(std::string_view name);
// "<service>.<namespace>.svc.cluster.local"
std::string service_fqdn(const std::string& service, const std::string& ns);

// The ConfigMap that owns all objects of a declaration: "raycluster.<name>" in its namespace.
ResourceKey anchor_key(const ObjectKey& key);
// The ConfigMap with the agent's own state: "ray-gitops.<agent-id>".
ResourceKey agent_anchor_key(const std::string& agent_ns, const std::string& agent_id);
// The Lease that makes an agent id exclusive: "ray-gitops-<agent-id>".
ResourceKey agent_lease_key(const std::string& agent_ns, const std::string& agent_id);

// KubeRay's CheckLabel: the last 63 bytes, a leading punctuation mark replaced by 'r'.
std::string identifier_label(const std::string& text);

}  // namespace ray_gitops
