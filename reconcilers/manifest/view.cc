#include "reconcilers/manifest/view.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/compression.h"
#include "reconcilers/manifest/json_members.h"
#include "reconcilers/manifest/labels.h"
#include "reconcilers/model/diagnostic.h"
#include "reconcilers/model/digest.h"
#include "reconcilers/model/document.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

constexpr std::size_t k_digest_digits = 12;

std::string label(const Json& object, const char* name) {
  return text_of(member(object, "metadata", "labels", name));
}

std::string annotation(const Json& object, const char* name) {
  return text_of(member(object, "metadata", "annotations", name));
}

std::int64_t parse_integer(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : 0;
}

const Json& controller_of(const Json& object) {
  static const Json k_none;
  const Json& owners = member(object, "metadata", "ownerReferences");
  if (!owners.is_array()) return k_none;
  for (const Json& owner : owners)
    if (is_true(member(owner, "controller"))) return owner;
  return k_none;
}

Result<ObjectMeta> parse_meta(ResourceType type, const Json& object) {
  const Json& kind = member(object, "kind");  // left out in lists
  if (!kind.is_null() && kind != kind_of(type))
    return fail(ErrorCode::InvalidInput, std::string{"an object is not a "} + kind_of(type));
  const Json& metadata = member(object, "metadata");
  ObjectMeta meta;
  meta.key = {type, text_of(member(metadata, "namespace")), text_of(member(metadata, "name"))};
  meta.uid = text_of(member(metadata, "uid"));
  meta.resource_version = text_of(member(metadata, "resourceVersion"));
  const bool placed = type == ResourceType::Namespace || !meta.key.ns.empty();
  if (!placed || meta.key.name.empty() || meta.uid.empty() || meta.resource_version.empty())
    return fail(ErrorCode::InvalidInput,
                std::string{"a "} + kind_of(type) + " lacks name, namespace, uid or version",
                printable(to_string(meta.key)));
  meta.agent = label(object, labels::k_agent);
  meta.owner_uid = text_of(member(controller_of(object), "uid"));
  meta.desired_hash = annotation(object, labels::k_desired_hash);
  meta.terminating = member(metadata, "deletionTimestamp").is_string();
  meta.deletion_deadline = parse_rfc3339(text_of(member(metadata, "deletionTimestamp")));
  const auto created_at = parse_rfc3339(text_of(member(metadata, "creationTimestamp")));
  meta.created_at = created_at.value_or(WallTime{});
  return meta;
}

// Controllers write a status all the time, and nobody fights about it.
FieldOwnership parse_ownership(const Json& object) {
  FieldOwnership fields;
  const Json& entries = member(object, "metadata", "managedFields");
  if (!entries.is_array()) return fields;
  std::string newest;
  for (const Json& entry : entries) {
    const std::string manager = text_of(member(entry, "manager"));
    const std::string time = text_of(member(entry, "time"));
    if (manager == k_field_manager) {
      if (member(entry, "operation") == "Apply")
        fields.ours = short_hash(Document{member(entry, "fieldsV1")}.canonical(), k_digest_digits);
    } else if (member(entry, "subresource") != "status" && time >= newest) {
      newest = time;
      fields.last_other = printable(manager);
    }
  }
  return fields;
}

PodPhase parse_phase(const std::string& phase) {
  if (phase.empty() || phase == "Pending") return PodPhase::Pending;
  if (phase == "Running") return PodPhase::Running;
  if (phase == "Succeeded") return PodPhase::Succeeded;
  if (phase == "Failed") return PodPhase::Failed;
  return PodPhase::Unknown;
}

bool is_ready(const Json& pod) {
  const Json& ready = element_with(member(pod, "status", "conditions"), "type", "Ready");
  return member(ready, "status") == "True";
}

// The status of spec.containers[0]; the server does not promise the order of the statuses.
const Json& ray_container_status(const Json& pod) {
  const Json& containers = member(pod, "spec", "containers");
  const Json& first = containers.is_array() && !containers.empty() ? containers[0] : containers;
  return element_with(member(pod, "status", "containerStatuses"), "name",
                      text_of(member(first, "name")));
}

PodView parse_pod(ObjectMeta meta, const Json& pod) {
  PodView view;
  view.meta = std::move(meta);
  view.cluster = label(pod, labels::k_cluster);
  view.group = label(pod, labels::k_group);
  view.replica = label(pod, labels::k_replica_name);
  view.template_hash = annotation(pod, labels::k_template_hash);
  view.runtime_hash = annotation(pod, labels::k_runtime_hash);
  view.incarnation = parse_integer(annotation(pod, labels::k_incarnation));
  view.phase = parse_phase(text_of(member(pod, "status", "phase")));
  view.ready = is_ready(pod);
  view.serves = label(pod, labels::k_serve) == "true";
  view.ip = text_of(member(pod, "status", "podIP"));
  const Json& ray = ray_container_status(pod);
  view.ray_started_at = parse_rfc3339(text_of(member(ray, "state", "running", "startedAt")));
  view.ray_restart_count = integer_of(member(ray, "restartCount"));
  view.ray_terminated = member(ray, "state", "terminated").is_object();
  view.restarts_in_place = member(pod, "spec", "restartPolicy") != "Never";
  view.problem = pod_problem(pod);
  return view;
}

ConfigMapView parse_config_map(ObjectMeta meta, const Json& map) {
  ConfigMapView view;
  view.meta = std::move(meta);
  view.anchor_kind = label(map, labels::k_kind);
  view.anchor_name = annotation(map, labels::k_name);
  if (view.anchor_kind.empty()) {
    view.fields = parse_ownership(map);
    return view;
  }
  view.owner_name = text_of(member(controller_of(map), "name"));
  // What is no base64 is no document: the anchor then says nothing, which its reader reports.
  view.document = base64_decode(text_of(member(map, "binaryData", "document"))).value_or("");
  view.state = text_of(member(map, "data", "state"));
  view.commit = annotation(map, labels::k_commit);
  view.path = annotation(map, labels::k_path);
  view.spec_hash = annotation(map, labels::k_spec_hash);
  return view;
}

// A duration of a Lease is a 32-bit number of seconds in the API.
constexpr std::int64_t k_lease_seconds_max = 2147483647;

LeaseView parse_lease(ObjectMeta meta, const Json& lease) {
  LeaseView view;
  view.meta = std::move(meta);
  const Json& spec = member(lease, "spec");
  view.holder = text_of(member(spec, "holderIdentity"));
  const std::int64_t seconds = integer_of(member(spec, "leaseDurationSeconds"));
  if (seconds > 0 && seconds <= k_lease_seconds_max) view.duration = std::chrono::seconds{seconds};
  view.renewed_at = parse_rfc3339(text_of(member(spec, "renewTime")));
  view.transitions = integer_of(member(spec, "leaseTransitions"));
  return view;
}

Json or_default(const Json& value, const Json& otherwise) {
  return value.is_null() ? otherwise : value;
}

Json normal_port(const Json& port) {
  const Json& number = member(port, "port");
  return Json{{"name", text_of(member(port, "name"))},
              {"port", number},
              {"protocol", or_default(member(port, "protocol"), "TCP")},
              {"appProtocol", text_of(member(port, "appProtocol"))},
              {"targetPort", or_default(member(port, "targetPort"), number)}};
}

}  // namespace

Result<ResourceView> parse_view(ResourceType type, const nlohmann::json& object) {
  ObjectMeta meta = TRY(parse_meta(type, object));
  switch (type) {
    case ResourceType::Pod:
      return ResourceView{parse_pod(std::move(meta), object)};
    case ResourceType::Service:
      return ResourceView{ServiceView{
          std::move(meta), label(object, labels::k_cluster),
          text_of(member(controller_of(object), "name")),
          text_of(member(object, "spec", "selector", labels::k_cluster)), service_shape(object),
          parse_ownership(object), member(object, "spec", "clusterIP") == "None"}};
    case ResourceType::ConfigMap:
      return ResourceView{parse_config_map(std::move(meta), object)};
    case ResourceType::Namespace:
      return ResourceView{NamespaceView{std::move(meta), parse_ownership(object)}};
    case ResourceType::Secret:
      return ResourceView{
          SecretView{std::move(meta), label(object, labels::k_cluster), parse_ownership(object)}};
    case ResourceType::Lease:
      return ResourceView{parse_lease(std::move(meta), object)};
    case ResourceType::PersistentVolumeClaim:
    case ResourceType::ServiceAccount:
    case ResourceType::Role:
    case ResourceType::RoleBinding:
    case ResourceType::Deployment:
    case ResourceType::StatefulSet:
    case ResourceType::Job:
    case ResourceType::Ingress:
    case ResourceType::NetworkPolicy:
    case ResourceType::HTTPRoute:
    case ResourceType::PodDisruptionBudget:
      return ResourceView{CompanionView{std::move(meta), parse_ownership(object),
                                        annotation(object, labels::k_prune) == "true"}};
  }
  return fail(ErrorCode::Internal, "unknown resource type");
}

std::string service_shape(const nlohmann::json& service) {
  const Json& spec = member(service, "spec");
  std::vector<std::string> ports;
  if (const Json& list = member(spec, "ports"); list.is_array()) {
    for (const Json& port : list) ports.push_back(Document{normal_port(port)}.canonical());
  }
  std::sort(ports.begin(), ports.end());
  const Json shape{{"selector", member(spec, "selector")},
                   {"ports", ports},
                   {"type", or_default(member(spec, "type"), "ClusterIP")},
                   {"headless", member(spec, "clusterIP") == "None"},
                   {"publishNotReady", is_true(member(spec, "publishNotReadyAddresses"))}};
  return stored_hash(Document{shape}.canonical());
}

}  // namespace ray_gitops
