#pragma once
// What one YAML document of a watched file declares. Immutable once parsed.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "reconcilers/model/autoscaling.h"
#include "reconcilers/model/diagnostic.h"
#include "reconcilers/model/document.h"
#include "reconcilers/model/object_key.h"
#include "reconcilers/model/time.h"

namespace ray_gitops {

// Where a declaration was read. Never part of its identity or its hashes.
struct Provenance {
  std::string commit;  // 40 hexadecimal digits; empty offline (validate)
  std::string path;    // inside the repository
  int line = 0;        // of the document's first line, 1-based
};

inline constexpr const char* k_head_group_name = "headgroup";

// autoscalerOptions.upscalingMode.
enum class UpscalingMode : std::uint8_t {
  Default,      // also Aggressive: as many at once as demand needs
  Conservative  // replicas that do not run yet are at most as many as run, and at least one
};

// The head group or one worker group of a RayCluster (KubeRay headGroupSpec, workerGroupSpecs[i]).
struct GroupSpec {
  std::string name = k_head_group_name;
  Document pod_template;  // PodTemplateSpec as written
  std::map<std::string, std::string> ray_start_params;
  std::map<std::string, std::string> resources;  // Ray logical resource -> Kubernetes quantity
  std::map<std::string, std::string> labels;
  std::int64_t replicas = 0;  // already clamped to [min, max]; 1 for the head
  std::int64_t min_replicas = 0;
  std::int64_t max_replicas = 2147483647;
  std::int64_t hosts = 1;  // numOfHosts: pods of a replica, which come and leave together
  bool suspend = false;
  std::optional<Duration> idle_timeout;  // idleTimeoutSeconds; nullopt: the cluster's
  std::int64_t priority = 0;             // among groups that serve demand equally well
  // Of what the user wrote that reaches this group's pods: a difference restarts them. Replicas,
  // bounds, scaling and upgrade options are left out.
  std::string template_hash;
  // Of the Ray version and the Ray container's image: nodes of one cluster must match, so a
  // difference in any group restarts the whole cluster.
  std::string runtime_hash;
};

struct RayClusterSpec {
  std::string ray_version;
  bool suspend = false;
  bool overwrite_container_command = false;  // annotation ray.io/overwrite-container-cmd
  bool autoscaling = false;                  // enableInTreeAutoscaling
  bool token_auth = false;                   // authOptions.mode is `token`
  std::string token_secret;                  // authOptions.secretName; empty: one is made
  UpscalingMode upscaling = UpscalingMode::Default;
  Duration idle_timeout{std::chrono::seconds(60)};  // autoscalerOptions.idleTimeoutSeconds
  GroupSpec head;
  std::vector<GroupSpec> workers;  // in the order of the file
  std::string service_type;        // headGroupSpec.serviceType; "" means headless
  std::map<std::string, std::string> head_service_annotations;
  Document head_service;  // headGroupSpec.headService as written, or null
};

// A RayJob (KubeRay RayJobSpec). K8sJobMode and HTTPMode are one: the agent submits.
struct RayJobSpec {
  std::string entrypoint;  // as written; Ray's head gives it to a shell
  Document runtime_env;    // of runtimeEnvYAML, an object; or null
  std::map<std::string, std::string> metadata;
  std::string job_id;  // wanted as the submission id, or empty
  std::optional<double> entrypoint_num_cpus;
  std::optional<double> entrypoint_num_gpus;
  Document entrypoint_resources;  // an object of numbers, or null
  // One of the two: the name of a RayCluster in the job's namespace, or the RayCluster document of
  // the job's own cluster without metadata.name, with the job's labels and annotations.
  std::string cluster_selector;
  Document cluster;
  int backoff_limit = 0;                         // further attempts, each with a new cluster
  std::optional<Duration> active_deadline;       // of one attempt
  std::optional<Duration> pre_running_deadline;  // of one attempt, until Ray says RUNNING
  bool shutdown_after_finish = false;
  Duration ttl_after_finish{0};
  bool suspend = false;
  // What is run: entrypoint, runtimeEnvYAML, metadata, jobId, entrypoint resources,
  // clusterSelector, rayClusterSpec without what scales it, and the annotation ray-gitops.io/run.
  // One run for each.
  std::string run_hash;
};

// A RayService (KubeRay RayServiceSpec).
struct RayServiceSpec {
  // rayClusterConfig: the RayCluster document of its clusters without metadata.name, with the
  // service's labels and annotations.
  Document cluster;
  // What a running cluster cannot take on: a difference asks for another cluster. Of the Ray
  // version, the head group's template and runtime;
  std::string head_hash;
  // of the worker groups' templates and runtimes, by group. One that is added asks for none.
  std::map<std::string, std::string> group_hashes;
  Document serve_config;               // serveConfigV2 as an object, or null
  std::string serve_config_digest;     // of its canonical JSON; empty for null
  std::set<std::string> applications;  // of serve_config; one without a name is "default"
  Document serve_service;              // serveService as written, or null
  bool exclude_head = false;           // excludeHeadPodFromServeSvc
  bool replaces_cluster = true;        // upgradeStrategy.type is not None
  Duration cluster_deletion_delay{std::chrono::seconds(60)};
  bool suspend = false;
};

// A file of this kind is read and checked; what is in it is not acted on yet, so its declarations
// are Blocked (see Declaration::blocked) and carry no typed fields.
struct RayCronJobSpec {};

// Clusters, those of jobs and services included. What is empty does not count, the rest must match.
struct ClusterSelector {
  std::set<std::string> namespaces;
  std::set<std::string> names;
  std::map<std::string, std::string>
      labels;  // of the cluster; of the job or service it is made for
};

// Amounts of what pods request, by Kubernetes' name: "cpu" (cores), "memory" (bytes),
// "nvidia.com/gpu", ..., and "pods". What is not named has no limit.
using PodAmounts = ResourceAmounts;

// Clusters that share a quota. A cluster belongs to the first tenant that selects it.
struct TenantSpec {
  std::string name;
  ClusterSelector clusters;
  PodAmounts quota;
  std::int64_t weight = 1;  // its part of the capacity, when it does not suffice for all
};

// A group of the selected clusters has at least so many workers from each `start` on.
struct ScheduledMinimum {
  std::string name;
  ClusterSelector clusters;
  std::string group;
  std::int64_t replicas = 0;
  std::string start;      // a cron expression
  std::string time_zone;  // "Europe/Berlin"; empty is UTC
  Duration length{0};
};

// A group of the selected clusters has so many workers more than are in use.
struct WarmGroup {
  std::string name;
  ClusterSelector clusters;
  std::string group;
  std::int64_t replicas = 0;
};

// What holds of the autoscaling of many clusters.
struct AutoscalerPolicySpec {
  PodAmounts capacity;  // of all tenants together
  std::vector<TenantSpec> tenants;
  std::vector<ScheduledMinimum> schedules;
  std::vector<WarmGroup> warm;
};

// Namespace, ConfigMap, Secret, ...: applied as written.
struct CompanionSpec {};

using Spec = std::variant<RayClusterSpec, RayJobSpec, RayServiceSpec, RayCronJobSpec,
                          AutoscalerPolicySpec, CompanionSpec>;

struct Declaration {
  ObjectKey key;
  Document document;  // as the user wrote it, namespace filled in, nothing else defaulted
  Provenance provenance;
  Spec spec;
  std::string spec_hash;  // of `document` without its metadata.namespace default: "v1:..."
  // Set when the document is valid but asks for something that would be unsafe to ignore: nothing
  // is created for it. The rule is NotSupportedYet or the name of what forbids it.
  std::optional<Diagnostic> blocked;
  std::vector<Diagnostic> warnings;  // fields accepted without effect: NotSupportedYet
};

}  // namespace ray_gitops
