#include "agent/local_cluster/store/defaults.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/store/base64.h"
#include "agent/local_cluster/store/json_path.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

constexpr int k_file_mode = 420;  // 0644

void put_default(json& object, const char* field, json value) {
  if (!object.contains(field) || object[field].is_null()) object[field] = std::move(value);
}

// Calls `change` for each object in the list `field`; anything of another type is left alone.
template <class Change>
void for_each_object(json& parent, const char* field, Change change) {
  const auto list = parent.find(field);
  if (list == parent.end() || !list->is_array()) return;
  for (json& item : *list)
    if (item.is_object()) change(item);
}

// Always for ":latest" and no tag at all, as the kubelet's documentation says.
const char* pull_policy_of(const std::string& image) {
  if (image.find('@') != std::string::npos) return "IfNotPresent";
  const std::size_t colon =
      image.find(':', image.rfind('/') == std::string::npos ? 0 : image.rfind('/'));
  return colon == std::string::npos || image.substr(colon) == ":latest" ? "Always" : "IfNotPresent";
}

void fill_probe(json& container, const char* field) {
  const auto probe = container.find(field);
  if (probe == container.end() || !probe->is_object()) return;
  put_default(*probe, "timeoutSeconds", 1);
  put_default(*probe, "periodSeconds", 10);
  put_default(*probe, "successThreshold", 1);
  put_default(*probe, "failureThreshold", 3);
  const auto http = probe->find("httpGet");
  if (http == probe->end() || !http->is_object()) return;
  put_default(*http, "path", "/");
  put_default(*http, "scheme", "HTTP");
}

// A request that is missing is its limit.
void fill_requests(json& resources) {
  const auto limits = resources.find("limits");
  if (limits == resources.end() || !limits->is_object()) return;
  json& requests = resources["requests"];
  if (requests.is_null()) requests = json::object();
  if (!requests.is_object()) return;
  for (const auto& [name, quantity] : limits->items())
    put_default(requests, name.c_str(), quantity);
}

void fill_container(json& container) {
  put_default(container, "imagePullPolicy", pull_policy_of(string_at(container, {"image"})));
  put_default(container, "terminationMessagePath", "/dev/termination-log");
  put_default(container, "terminationMessagePolicy", "File");
  put_default(container, "resources", json::object());
  if (container["resources"].is_object()) fill_requests(container["resources"]);
  for (const char* probe : {"livenessProbe", "readinessProbe", "startupProbe"})
    fill_probe(container, probe);
  for_each_object(container, "ports", [](json& port) { put_default(port, "protocol", "TCP"); });
  for_each_object(container, "env", [](json& entry) {
    const auto from = entry.find("valueFrom");
    if (from == entry.end() || !from->is_object() || !from->contains("fieldRef")) return;
    if ((*from)["fieldRef"].is_object()) put_default((*from)["fieldRef"], "apiVersion", "v1");
  });
}

void fill_volume(json& volume) {
  for (const char* source : {"configMap", "secret", "downwardAPI", "projected"})
    if (volume.contains(source) && volume[source].is_object())
      put_default(volume[source], "defaultMode", k_file_mode);
}

void fill_pod_spec(json& spec) {
  if (!spec.is_object()) return;
  put_default(spec, "dnsPolicy", "ClusterFirst");
  put_default(spec, "terminationGracePeriodSeconds", 30);
  put_default(spec, "schedulerName", "default-scheduler");
  put_default(spec, "enableServiceLinks", true);
  put_default(spec, "securityContext", json::object());
  for (const char* list : {"containers", "initContainers"})
    for_each_object(spec, list, fill_container);
  for_each_object(spec, "volumes", fill_volume);
}

void fill_pod(json& pod) {
  json& spec = pod["spec"];
  if (!spec.is_object()) return;
  put_default(spec, "restartPolicy", "Always");
  fill_pod_spec(spec);
}

// What the API server fills in; a Job's pods must say their restart policy.
void fill_workload(const ResourceType& type, json& object) {
  json& spec = object["spec"];
  if (!spec.is_object()) return;
  if (type.plural != "jobs") {
    put_default(spec, "replicas", 1);
    put_default(spec, "revisionHistoryLimit", 10);
  }
  const auto pods = spec.find("template");
  if (pods == spec.end() || !pods->is_object()) return;
  if (type.plural == "jobs" && pods->contains("spec"))
    fill_pod_spec((*pods)["spec"]);
  else
    fill_pod(*pods);
}

void fill_service(json& service) {
  json& spec = service["spec"];
  if (spec.is_null()) spec = json::object();
  if (!spec.is_object()) return;
  put_default(spec, "type", "ClusterIP");
  put_default(spec, "sessionAffinity", "None");
  // Left out like all that is empty.
  if (spec.value("publishNotReadyAddresses", json()) == false)
    spec.erase("publishNotReadyAddresses");
  if (spec["type"] != "ExternalName") put_default(spec, "internalTrafficPolicy", "Cluster");
  if (spec["type"] == "NodePort" || spec["type"] == "LoadBalancer")
    put_default(spec, "externalTrafficPolicy", "Cluster");
  for_each_object(spec, "ports", [](json& port) {
    put_default(port, "protocol", "TCP");
    if (port.contains("port")) put_default(port, "targetPort", port["port"]);
  });
}

void fold_string_data(json& secret) {
  const auto plain = secret.find("stringData");
  if (plain == secret.end() || !plain->is_object()) return;
  for (const auto& [name, value] : plain->items())
    if (value.is_string()) secret["data"][name] = to_base64(value.get_ref<const std::string&>());
  secret.erase("stringData");
}

void prepare_namespace(json& object) {
  object["metadata"]["labels"]["kubernetes.io/metadata.name"] = object["metadata"]["name"];
  object["spec"]["finalizers"] = json::array({"kubernetes"});
  object["status"] = {{"phase", "Active"}};
}

constexpr std::array<std::string_view, 9> k_omitted_maps{
    "labels",       "annotations", "data",   "binaryData", "stringData",
    "nodeSelector", "matchLabels", "limits", "requests"};
constexpr std::array<std::string_view, 4> k_kept_lists{"containers", "rules", "endpoints",
                                                       "addresses"};

bool is_omitted(std::string_view kind, const std::string& field, const json& value) {
  if (!value.empty() || !value.is_structured()) return false;
  if (value.is_array()) return std::ranges::count(k_kept_lists, field) == 0;
  return std::ranges::count(k_omitted_maps, field) > 0 ||
         (kind == "Service" && field == "selector");
}

void drop_empty(std::string_view kind, json& value) {
  if (value.is_array())
    for (json& item : value) drop_empty(kind, item);
  if (!value.is_object()) return;
  for (auto at = value.begin(); at != value.end();) {
    drop_empty(kind, *at);
    at = is_omitted(kind, at.key(), *at) ? value.erase(at) : std::next(at);
  }
}

}  // namespace

void prepare_new(const ResourceType& type, json& object) {
  if (type.has_status && type.plural != "nodes") object.erase("status");
  if (type.plural == "namespaces") prepare_namespace(object);
  if (type.plural == "pods") object["status"] = {{"phase", "Pending"}};
  if (type.plural == "persistentvolumeclaims") object["status"] = {{"phase", "Pending"}};
  if (type.plural == "services") object["status"] = {{"loadBalancer", json::object()}};
}

void drop_empty(const ResourceType& type, json& object) { drop_empty(type.kind, object); }

void fill_defaults(const ResourceType& type, json& object) {
  drop_empty(type, object);
  if (type.plural == "pods") fill_pod(object);
  if (type.plural == "services") fill_service(object);
  if (type.plural == "leases") put_default(object, "spec", json::object());
  // An empty list that the type does not leave out is stored as none.
  if (type.plural == "roles" && object["rules"].empty()) object["rules"] = nullptr;
  if (type.plural == "deployments" || type.plural == "statefulsets" || type.plural == "jobs")
    fill_workload(type, object);
  if (type.plural == "secrets") {
    fold_string_data(object);
    put_default(object, "type", "Opaque");
  }
}

}  // namespace ray_gitops::local_cluster
