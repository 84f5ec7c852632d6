#include "tests/unit/raycluster/observed_file.h"

#include <algorithm>
#include <set>
#include <vector>

#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/service.h"
#include "reconcilers/manifest/view.h"
#include "reconcilers/model/check.h"
#include "reconcilers/raycluster/replicas.h"
#include "tests/support/declared.h"

namespace ray_gitops::test {
namespace {

// 2026-01-01T00:00:00Z is second 0.
constexpr std::int64_t k_epoch_milliseconds = 1767225600000;

WallTime wall_at(double seconds) {
  return {k_epoch_milliseconds + static_cast<std::int64_t>(seconds * 1000)};
}

Instant instant_at(double seconds) { return {static_cast<std::int64_t>(seconds * 1000)}; }

void allow_only(const YAML::Node& map, const std::set<std::string>& names) {
  for (const auto& entry : map) CHECK(names.contains(entry.first.as<std::string>()));
}

std::string text(const YAML::Node& map, const char* name, const std::string& otherwise) {
  return map[name] ? map[name].as<std::string>() : otherwise;
}

double number(const YAML::Node& map, const char* name, double otherwise) {
  return map[name] ? map[name].as<double>() : otherwise;
}

bool flag(const YAML::Node& map, const char* name, bool otherwise) {
  return map[name] ? map[name].as<bool>() : otherwise;
}

std::string owner_uid(const YAML::Node& object) {
  const std::string owner = text(object, "owner", "ours");
  return owner == "ours" ? k_anchor_uid : owner == "none" ? "" : "uid-of-another-owner";
}

ObjectMeta meta_of_object(const YAML::Node& object, ResourceType type, const std::string& ns) {
  ObjectMeta meta;
  const std::string name = object["name"].as<std::string>();
  meta.key = {type, ns, name};
  meta.uid = text(object, "uid", "uid-of-" + name);
  meta.resource_version = "1";
  meta.agent = k_agent_id;
  meta.owner_uid = owner_uid(object);
  meta.created_at = wall_at(number(object, "created", 0));
  return meta;
}

PodPhase parse_phase(const std::string& phase) {
  if (phase == "Pending") return PodPhase::Pending;
  if (phase == "Succeeded") return PodPhase::Succeeded;
  if (phase == "Failed") return PodPhase::Failed;
  if (phase == "Unknown") return PodPhase::Unknown;
  CHECK(phase == "Running");
  return PodPhase::Running;
}

const GroupSpec* find_group(const RayClusterSpec& spec, const std::string& name) {
  if (name == spec.head.name) return &spec.head;
  for (const GroupSpec& group : spec.workers)
    if (group.name == name) return &group;
  return nullptr;
}

// From the name, where the case does not say it.
std::string group_of(const YAML::Node& pod, const Declaration& declaration) {
  if (pod["group"]) return pod["group"].as<std::string>();
  const std::string name = pod["name"].as<std::string>();
  for (const GroupSpec& group : cluster_spec(declaration).workers)
    if (slot_of(name, declaration.key.name, group.name)) return group.name;
  return k_head_group_name;
}

PodView parse_pod(const YAML::Node& node, const Declaration& declaration,
                  std::int64_t incarnation) {
  allow_only(node, {"name", "group", "template", "runtime", "incarnation", "owner", "phase",
                    "ready", "leaving", "created", "started", "restarts", "ended",
                    "restarts_in_place", "problem", "uid"});
  PodView pod;
  pod.meta = meta_of_object(node, ResourceType::Pod, declaration.key.ns);
  if (node["leaving"]) {
    pod.meta.terminating = true;
    pod.meta.deletion_deadline = wall_at(node["leaving"].as<double>());
  }
  pod.cluster = declaration.key.name;
  pod.group = group_of(node, declaration);
  const GroupSpec* group = find_group(cluster_spec(declaration), pod.group);
  const bool old_template = text(node, "template", "current") == "old" || group == nullptr;
  const bool old_runtime = text(node, "runtime", "current") == "old" || group == nullptr;
  pod.template_hash = old_template ? "v1:old" : group->template_hash;
  pod.runtime_hash = old_runtime ? "v1:old" : group->runtime_hash;
  const auto slot = slot_of(pod.meta.key.name, declaration.key.name, pod.group);
  if (slot && group != nullptr && group->hosts > 1)
    pod.replica = replica_name(pod.group, *slot / group->hosts);
  pod.incarnation =
      static_cast<std::int64_t>(number(node, "incarnation", static_cast<double>(incarnation)));
  pod.phase = parse_phase(text(node, "phase", "Running"));
  pod.ready = flag(node, "ready", pod.phase == PodPhase::Running);
  pod.ip = "10.0.0.1";
  if (pod.phase == PodPhase::Running) pod.ray_started_at = wall_at(number(node, "started", 10));
  pod.ray_restart_count = static_cast<std::int64_t>(number(node, "restarts", 0));
  pod.ray_terminated = flag(node, "ended", false);
  pod.restarts_in_place = flag(node, "restarts_in_place", true);
  pod.problem = text(node, "problem", "");
  return pod;
}

ServiceView parse_service(const YAML::Node& node, const Declaration& declaration) {
  allow_only(node, {"name", "owner", "content", "shape", "headless", "leaving", "uid"});
  const OwnerFacts owner{k_agent_id, anchor_key(declaration.key).name, k_anchor_uid};
  ServiceView service;
  service.meta = meta_of_object(node, ResourceType::Service, declaration.key.ns);
  const bool is_workers = service.meta.key.name == workers_service_name(declaration.key.name);
  const nlohmann::json body =
      (is_workers ? workers_service_body(declaration, owner)
                  : head_service_body(declaration, cluster_spec(declaration), owner))
          .json();
  service.meta.terminating = flag(node, "leaving", false);
  service.meta.desired_hash = text(node, "content", "current") == "old"
                                  ? "v1:old"
                                  : body["metadata"]["annotations"][labels::k_desired_hash];
  service.cluster = declaration.key.name;
  service.shape_digest =
      text(node, "shape", "current") == "drifted" ? "v1:drifted" : service_shape(body);
  service.headless = flag(node, "headless", body["spec"].value("clusterIP", "") == "None");
  return service;
}

SecretView parse_secret(const YAML::Node& node, const Declaration& declaration) {
  allow_only(node, {"name", "owner", "leaving", "uid"});
  SecretView secret;
  secret.meta = meta_of_object(node, ResourceType::Secret, declaration.key.ns);
  secret.meta.terminating = flag(node, "leaving", false);
  secret.cluster = declaration.key.name;
  return secret;
}

std::optional<ConfigMapView> parse_anchor(const YAML::Node& node, const Declaration& declaration) {
  if (node && node.IsScalar() && node.as<std::string>() == "none") return std::nullopt;
  if (node) allow_only(node, {"document", "incarnation", "leaving", "state"});
  const auto incarnation = static_cast<std::int64_t>(node ? number(node, "incarnation", 1) : 1);
  nlohmann::json body =
      anchor_body(declaration, {.incarnation = incarnation, .scaling = {}}, k_agent_id)
          .value_or(Document(nlohmann::json::object()))
          .json();
  body["metadata"]["uid"] = k_anchor_uid;
  body["metadata"]["resourceVersion"] = "1";
  body["metadata"]["namespace"] = declaration.key.ns;
  body["metadata"]["name"] = anchor_key(declaration.key).name;
  auto anchor = std::get<ConfigMapView>(parse_view(ResourceType::ConfigMap, body).value());
  if (node && text(node, "document", "current") == "old") anchor.spec_hash = "v1:old";
  if (node && node["state"]) anchor.state = node["state"].as<std::string>();
  anchor.meta.terminating = node && flag(node, "leaving", false);
  return anchor;
}

ErrorCode parse_code(const std::string& name) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::Internal); ++code)
    if (name == name_of(static_cast<ErrorCode>(code))) return static_cast<ErrorCode>(code);
  CHECK(name == "an error code");
  return ErrorCode::Internal;
}

void parse_refusals(const YAML::Node& list, const Declaration& declaration, ClusterObserved& to) {
  for (const YAML::Node& node : list) {
    allow_only(node, {"type", "name", "code", "message", "retry_at"});
    const std::string type = node["type"].as<std::string>();
    const ResourceType resource = type == "Pod"       ? ResourceType::Pod
                                  : type == "Service" ? ResourceType::Service
                                  : type == "Secret"  ? ResourceType::Secret
                                                      : ResourceType::ConfigMap;
    Refusal refusal;
    refusal.error = {parse_code(node["code"].as<std::string>()), text(node, "message", "refused"),
                     ""};
    refusal.retry_at = instant_at(number(node, "retry_at", 0));
    to.refusals[{resource, declaration.key.ns, node["name"].as<std::string>()}] = refusal;
  }
}

// Replaces a fact by Unknown where the case says so.
template <class T>
void forget(const YAML::Node& unknown, const char* name, Fact<T>& fact) {
  if (unknown && unknown[name]) fact = Unknown{unknown[name].as<std::string>()};
}

}  // namespace

World parse_world(const std::string& yaml, const Declaration& declaration) {
  const YAML::Node root = YAML::Load(yaml);
  allow_only(root, {"now", "removed", "was_ready", "anchor", "unknown", "pods", "services",
                    "secrets", "refusals", "creates", "failures", "lost"});
  World world;
  const double now = number(root, "now", 100);
  world.now = {wall_at(now), instant_at(now)};
  world.removed = flag(root, "removed", false);
  ClusterObserved& observed = world.observed;
  observed.was_ready = flag(root, "was_ready", false);
  const auto anchor = parse_anchor(root["anchor"], declaration);
  observed.anchor = Known<std::optional<ConfigMapView>>{anchor};
  const std::int64_t incarnation = anchor ? anchored_state(*anchor).incarnation : 1;
  std::vector<PodView> pods;
  for (const YAML::Node& node : root["pods"])
    pods.push_back(parse_pod(node, declaration, incarnation));
  std::sort(pods.begin(), pods.end(), [](const PodView& left, const PodView& right) {
    return left.meta.key < right.meta.key;
  });
  observed.pods = Known<std::vector<PodView>>{pods};
  for (const YAML::Node& node : root["lost"])
    for (const PodView& pod : pods)
      if (pod.replica == node.as<std::string>())
        observed.lost_replicas.insert(raycluster::replica_key(pod));
  std::vector<ServiceView> services;
  for (const YAML::Node& node : root["services"])
    services.push_back(parse_service(node, declaration));
  observed.services = Known<std::vector<ServiceView>>{services};
  std::vector<SecretView> secrets;
  for (const YAML::Node& node : root["secrets"]) secrets.push_back(parse_secret(node, declaration));
  observed.secrets = Known<std::vector<SecretView>>{secrets};
  parse_refusals(root["refusals"], declaration, observed);
  for (const YAML::Node& name : root["creates"])
    observed.creates.insert({ResourceType::Pod, declaration.key.ns, name.as<std::string>()});
  for (const auto& entry : root["failures"])
    observed.failures[entry.first.as<std::string>()] = {
        static_cast<int>(number(entry.second, "count", 1)),
        instant_at(number(entry.second, "last", now))};
  forget(root["unknown"], "anchor", observed.anchor);
  forget(root["unknown"], "pods", observed.pods);
  forget(root["unknown"], "services", observed.services);
  forget(root["unknown"], "secrets", observed.secrets);
  return world;
}

}  // namespace ray_gitops::test
