#pragma once
// Label and annotation names, as they stand on objects in users' clusters. Never change one.

namespace ray_gitops::labels {

// KubeRay's, so that dashboards, NetworkPolicies and `kubectl ray` habits keep working
// (KubeRay 1.7, pod labels).
inline constexpr const char* k_is_ray_node = "ray.io/is-ray-node";
inline constexpr const char* k_cluster = "ray.io/cluster";
inline constexpr const char* k_node_type = "ray.io/node-type";
inline constexpr const char* k_group = "ray.io/group";
inline constexpr const char* k_identifier = "ray.io/identifier";
inline constexpr const char* k_app_name = "app.kubernetes.io/name";
inline constexpr const char* k_created_by = "app.kubernetes.io/created-by";
inline constexpr const char* k_overwrite_command = "ray.io/overwrite-container-cmd";
inline constexpr const char* k_serve = "ray.io/serve";  // pods: "true"; Services: the service's
// Workers: which replica of the group this is, from 0. Of a group with several hosts also the
// replica's name, which all of its pods carry, and which of them this is, from 0.
inline constexpr const char* k_replica_index = "ray.io/worker-group-replica-index";
inline constexpr const char* k_replica_name = "ray.io/worker-group-replica-name";
inline constexpr const char* k_host_index = "ray.io/replica-host-index";
inline constexpr const char* k_originated_from_name = "ray.io/originated-from-cr-name";
inline constexpr const char* k_originated_from_kind = "ray.io/originated-from-crd";
// On the Service that workers with several hosts find each other by: the cluster's name.
inline constexpr const char* k_headless_workers = "ray.io/headless-worker-svc";
inline constexpr const char* k_ft_enabled = "ray.io/ft-enabled";

// Ours. Labels:
inline constexpr const char* k_agent = "ray-gitops.io/agent";  // the watch selector: agent id
inline constexpr const char* k_kind = "ray-gitops.io/kind";  // on anchors: declared kind, or Agent
// Annotations:
// "true" on a PersistentVolumeClaim: it is deleted, with its data, when its file is gone.
inline constexpr const char* k_prune = "ray-gitops.io/prune";
inline constexpr const char* k_desired_hash = "ray-gitops.io/desired-hash";
inline constexpr const char* k_template_hash = "ray-gitops.io/template-hash";
inline constexpr const char* k_runtime_hash = "ray-gitops.io/runtime-hash";
inline constexpr const char* k_incarnation = "ray-gitops.io/incarnation";
inline constexpr const char* k_name = "ray-gitops.io/name";
inline constexpr const char* k_commit = "ray-gitops.io/commit";
inline constexpr const char* k_path = "ray-gitops.io/path";
inline constexpr const char* k_spec_hash = "ray-gitops.io/spec-hash";
inline constexpr const char* k_run = "ray-gitops.io/run";        // on RayJobs: runs it once more
inline constexpr const char* k_format = "ray-gitops.io/format";  // of anchors: "v1"

}  // namespace ray_gitops::labels

namespace ray_gitops {
// The one field manager name of every write of ours. Never change it.
inline constexpr const char* k_field_manager = "ray-gitops";
}  // namespace ray_gitops
