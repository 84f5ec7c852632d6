#include "reconcilers/manifest/pod.h"

#include <map>
#include <utility>
#include <vector>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/object_parts.h"
#include "reconcilers/manifest/pod_template.h"
#include "reconcilers/manifest/probes.h"
#include "reconcilers/manifest/ray_start.h"
#include "reconcilers/manifest/service.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

// Everything that differs between a head and a worker, decided once.
struct PodFacts {
  const Declaration& declaration;
  const RayClusterSpec& spec;
  const GroupSpec& group;
  const OwnerFacts& owner;
  std::string name;
  std::int64_t incarnation = 1;
  bool head = false;
  std::string service_fqdn;  // of the head Service
  std::string port;          // of the GCS
  std::map<std::string, std::string> params;

  const std::string& cluster() const { return declaration.key.name; }
  std::string short_service() const { return service_fqdn.substr(0, service_fqdn.find('.')); }
};

PodFacts facts_of(const Declaration& declaration, const RayClusterSpec& spec,
                  const GroupSpec& group, const OwnerFacts& owner, const WorkerIdentity& identity) {
  PodFacts facts{.declaration = declaration,
                 .spec = spec,
                 .group = group,
                 .owner = owner,
                 .name = identity.pod_name,
                 .incarnation = identity.incarnation,
                 .head = &group == &spec.head,
                 .service_fqdn = service_fqdn(head_service_name(declaration.key.name, spec),
                                              declaration.key.ns),
                 .port = gcs_port(spec),
                 .params = {}};
  facts.params =
      ray_start_params(group, facts.head ? std::string{} : facts.service_fqdn + ":" + facts.port);
  return facts;
}

// Template labels, then the group's; what Services and we select by cannot be overridden.
Json pod_labels(const PodFacts& facts) {
  const Json& pod_template = facts.group.pod_template.json();
  Json map{{labels::k_is_ray_node, "yes"}};
  map.update(metadata_map(pod_template, "labels"));
  for (const auto& [key, value] : facts.group.labels) map[key] = value;
  map[labels::k_app_name] = "kuberay";
  map[labels::k_created_by] = "kuberay-operator";
  map[labels::k_identifier] =
      identifier_label(facts.cluster() + (facts.head ? "-head" : "-worker"));
  map[labels::k_cluster] = facts.cluster();
  map[labels::k_node_type] = facts.head ? "head" : "worker";
  map[labels::k_group] = facts.group.name;
  map[labels::k_agent] = facts.owner.agent_id;
  return map;
}

Json pod_annotations(const PodFacts& facts) {
  Json map = metadata_map(facts.group.pod_template.json(), "annotations");
  if (facts.spec.overwrite_container_command) map[labels::k_overwrite_command] = "true";
  if (facts.head) map[labels::k_ft_enabled] = "false";
  map[labels::k_template_hash] = facts.group.template_hash;
  map[labels::k_runtime_hash] = facts.group.runtime_hash;
  map[labels::k_incarnation] = std::to_string(facts.incarnation);
  return map;
}

bool has_named(const Json& list, const std::string& name) {
  for (const Json& entry : list)
    if (text_member(entry, "name") == name) return true;
  return false;
}

Json& list_member(Json& object, const char* name) {
  Json& list = object[name];
  if (!list.is_array()) list = Json::array();
  return list;
}

Json value_entry(const std::string& name, const std::string& value) {
  return Json{{"name", name}, {"value", value}};
}

Json secret_entry(const std::string& name, const std::string& secret, const char* key) {
  return Json{{"name", name}, {"valueFrom", {{"secretKeyRef", {{"name", secret}, {"key", key}}}}}};
}

Json field_entry(const std::string& name, const std::string& path) {
  return Json{{"name", name}, {"valueFrom", {{"fieldRef", {{"fieldPath", path}}}}}};
}

// Kubernetes takes the last of two entries of one name; KubeRay appends these whatever the user
// wrote. We replace the user's instead, since server-side tools refuse duplicates.
void set_entry(Json& environment, Json entry) {
  const std::string name = entry["name"].get<std::string>();
  for (Json& existing : environment)
    if (text_member(existing, "name") == name) {
      existing = std::move(entry);
      return;
    }
  environment.push_back(std::move(entry));
}

void set_address_env(Json& environment, const PodFacts& facts) {
  set_entry(environment, value_entry("FQ_RAY_IP", facts.service_fqdn));
  set_entry(environment, value_entry("RAY_IP", facts.short_service()));
}

// Of all containers that talk to Ray (Ray 2.52, "Ray token authentication"; KubeRay 1.7).
void add_token(Json& environment, const PodFacts& facts) {
  if (!facts.spec.token_auth) return;
  const std::string secret = token_secret_name(facts.cluster(), facts.spec);
  set_entry(environment, value_entry("RAY_AUTH_MODE", "token"));
  set_entry(environment, secret_entry("RAY_AUTH_TOKEN", secret, k_token_key));
}

void add_environment(Json& container, const PodFacts& facts) {
  Json& environment = list_member(container, "env");
  add_token(environment, facts);
  if (!facts.head) set_address_env(environment, facts);
  set_entry(environment, field_entry("RAY_CLUSTER_NAME", "metadata.labels['ray.io/cluster']"));
  set_entry(environment, field_entry("RAY_CLUSTER_NAMESPACE", "metadata.namespace"));
  set_entry(environment, field_entry("RAY_CLOUD_INSTANCE_ID", "metadata.name"));
  set_entry(environment, field_entry("RAY_NODE_TYPE_NAME", "metadata.labels['ray.io/group']"));
  set_entry(environment,
            value_entry("KUBERAY_GEN_RAY_START_CMD", render_ray_start(facts.params, facts.head)));
  if (facts.head)
    set_entry(environment, value_entry("RAY_USAGE_STATS_EXTRA_TAGS",
                                       "kuberay_version=ray-gitops;kuberay_crd=RayCluster"));
  const std::vector<std::pair<std::string, std::string>> defaults{
      {"RAY_PORT", facts.port},
      {"RAY_ADDRESS", (facts.head ? "127.0.0.1:" : facts.service_fqdn + ":") + facts.port},
      {"RAY_USAGE_STATS_KUBERAY_IN_USE", "1"},
      {"RAY_DASHBOARD_ENABLE_K8S_DISK_USAGE", "1"},
      // A raylet connects to the object store in its own process, and often is too early: then it
      // tries again after this time, by default a second, ten times (seen, Ray 2.60). No less
      // patience, but shorter steps.
      {"RAY_raylet_client_connect_timeout_milliseconds", "100"},
      {"RAY_raylet_client_num_connect_attempts", "100"},
  };
  for (const auto& [name, value] : defaults)
    if (!has_named(environment, name)) environment.push_back(value_entry(name, value));
  // So that switching autoscaling on later restarts nothing.
  if (facts.head && !has_named(environment, "RAY_enable_autoscaler_v2"))
    environment.push_back(value_entry("RAY_enable_autoscaler_v2", "1"));
}

std::string words_of(const Json& container, const char* member) {
  std::string words;
  if (!container.contains(member) || !container[member].is_array()) return words;
  for (const Json& word : container[member])
    if (word.is_string()) words += " " + word.get<std::string>() + " ";
  return words;
}

void add_command(Json& container, const PodFacts& facts) {
  const std::string user = words_of(container, "command") + words_of(container, "args");
  const Json annotations = metadata_map(facts.group.pod_template.json(), "annotations");
  const bool keep = facts.spec.overwrite_container_command ||
                    text_member(annotations, labels::k_overwrite_command) == "true" ||
                    user.find("ray start") != std::string::npos;
  if (keep) return;
  std::string line = "ulimit -n ${RAY_START_ULIMIT_OPEN_FILES:-65536}; " +
                     render_ray_start(facts.params, facts.head);
  if (!user.empty()) line = user + " && " + line;
  container["command"] = {"/bin/bash", "-c", "--"};
  container["args"] = {line};
}

bool mounts_path(const Json& container, const std::string& path) {
  if (!container.contains("volumeMounts") || !container["volumeMounts"].is_array()) return false;
  for (const Json& mount : container["volumeMounts"])
    if (text_member(mount, "mountPath") == path) return true;
  return false;
}

Json shared_memory_volume(const Document& pod_template) {
  Json empty_dir{{"medium", "Memory"}};
  for (const char* list : {"limits", "requests"}) {
    const auto resources = ray_container_resources(pod_template, list);
    const auto memory = resources.find("memory");
    if (memory == resources.end()) continue;
    empty_dir["sizeLimit"] = memory->second;
    break;
  }
  return Json{{"name", "shared-mem"}, {"emptyDir", empty_dir}};
}

void add_shared_memory(Json& pod_spec, Json& container, const PodFacts& facts) {
  if (facts.params.contains("plasma-directory") || mounts_path(container, "/dev/shm")) return;
  list_member(container, "volumeMounts")
      .push_back({{"name", "shared-mem"}, {"mountPath", "/dev/shm"}});
  Json& volumes = list_member(pod_spec, "volumes");
  if (!has_named(volumes, "shared-mem"))
    volumes.push_back(shared_memory_volume(facts.group.pod_template));
}

// Bash: whether a connection is made within two seconds; `then` is done with it.
std::string connects(const std::string& host, const std::string& port, const std::string& then) {
  return "timeout 2 bash -c 'exec 3<>/dev/tcp/" + host + "/" + port + then + "' 2>/dev/null";
}

// Waits until the head's GCS says something. It listens once all its services are up, and greets
// everybody with the 9 bytes and more of an HTTP/2 SETTINGS frame (RFC 9113, 3.4; seen, Ray 2.60);
// a proxy between would only connect. `ray health-check`, which KubeRay asks, takes 1.5 CPU
// seconds: it is asked where the user has set up TLS, since there the client speaks first.
std::string wait_for_gcs(const std::string& host, const std::string& port) {
  const std::string address = host + ":" + port;
  return "started=$SECONDS; "
         "until [ \"$(" +
         connects(host, port, " && head -c 9 <&3") +
         " | wc -c)\" = 9 ]"
         " || { [ \"${RAY_USE_TLS:-0}\" != 0 ] && ray health-check --address " +
         address +
         " >/dev/null 2>&1; }; do "
         "echo \"waiting for the Ray head at " +
         address +
         ": $((SECONDS - started)) s\"; "
         "sleep 0.25; done; ";
}

// `ray start` asks the GCS for the head's node before it starts one, every two seconds (Ray 2.60),
// and the head registers its node once the agent on it listens. Who comes earlier takes the cores
// that the head needs for that, and then waits for the next two seconds; but not for long, where
// something keeps this port from us. A Service with an address of its own has no such port.
std::string wait_for_node(const PodFacts& facts) {
  if (!has_headless_service(facts.spec)) return {};
  return "started=$SECONDS; until " + connects(facts.service_fqdn, agent_port(facts.spec), "") +
         " || [ $((SECONDS - started)) -ge 15 ]; do sleep 0.25; done";
}

Json wait_container(const Json& ray_container, const PodFacts& facts) {
  const Json resources{{"cpu", "200m"}, {"memory", "256Mi"}};
  Json wait{{"name", "wait-gcs-ready"},
            {"command", {"/bin/bash", "-c", "--"}},
            {"args", {wait_for_gcs(facts.service_fqdn, facts.port) + wait_for_node(facts)}},
            {"resources", {{"requests", resources}, {"limits", resources}}}};
  for (const char* member : {"image", "imagePullPolicy", "securityContext", "env", "volumeMounts"})
    if (ray_container.contains(member)) wait[member] = ray_container[member];
  add_token(list_member(wait, "env"), facts);
  return wait;
}

void add_init_containers(Json& pod_spec, const PodFacts& facts, const Json& ray_container) {
  if (!facts.head)
    list_member(pod_spec, "initContainers").push_back(wait_container(ray_container, facts));
  if (!pod_spec.contains("initContainers")) return;
  for (Json& container : pod_spec["initContainers"])
    set_address_env(list_member(container, "env"), facts);
}

void add_metrics_port(Json& container) {
  Json& ports = list_member(container, "ports");
  if (!has_named(ports, "metrics"))
    ports.push_back({{"name", "metrics"}, {"containerPort", 8080}, {"protocol", "TCP"}});
}

Json pod_spec(const PodFacts& facts) {
  Json spec = facts.group.pod_template.json().at("spec");
  const Json user_container = spec["containers"][0];
  add_init_containers(spec, facts, user_container);
  Json& container = spec["containers"][0];
  add_command(container, facts);
  add_environment(container, facts);
  add_metrics_port(container);
  add_probes(container, {.ray_version = facts.spec.ray_version,
                         .head = facts.head,
                         .ray_start_params = facts.params});
  add_shared_memory(spec, container, facts);
  // A node that was drained has ended: restarted in its pod it would be another one (KubeRay does
  // so with autoscaler v2).
  if (facts.spec.autoscaling) spec["restartPolicy"] = "Never";
  return spec;
}

Document pod_body(const PodFacts& facts) {
  Json metadata{{"name", facts.name},
                {"namespace", facts.declaration.key.ns},
                {"labels", pod_labels(facts)},
                {"annotations", pod_annotations(facts)},
                {"ownerReferences", Json::array({owner_reference(facts.owner)})}};
  return Document{Json{{"apiVersion", "v1"},
                       {"kind", "Pod"},
                       {"metadata", std::move(metadata)},
                       {"spec", pod_spec(facts)}}};
}

}  // namespace

Document head_pod_body(const Declaration& declaration, const RayClusterSpec& spec,
                       const OwnerFacts& owner, std::int64_t incarnation) {
  return pod_body(facts_of(
      declaration, spec, spec.head, owner,
      {.pod_name = head_pod_name(declaration.key.name), .slot = 0, .incarnation = incarnation}));
}

Document worker_pod_body(const Declaration& declaration, const RayClusterSpec& spec,
                         const GroupSpec& group, const OwnerFacts& owner,
                         const WorkerIdentity& identity) {
  Json body = pod_body(facts_of(declaration, spec, group, owner, identity)).json();
  Json& labels = body["metadata"]["labels"];
  const std::int64_t replica = identity.slot / group.hosts;
  labels[labels::k_replica_index] = std::to_string(replica);
  labels.erase(labels::k_replica_name);
  labels.erase(labels::k_host_index);
  if (group.hosts > 1) {
    labels[labels::k_replica_name] = replica_name(group.name, replica);
    labels[labels::k_host_index] = std::to_string(identity.slot % group.hosts);
  }
  return Document{std::move(body)};
}

}  // namespace ray_gitops
