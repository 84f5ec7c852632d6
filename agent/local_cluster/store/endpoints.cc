// Store: EndpointSlices, from Services and the pods they select.
#include <algorithm>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/store/json_path.h"
#include "agent/local_cluster/store/store.h"
#include "reconcilers/model/digest.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

constexpr const char* k_manager = "endpointslice-controller.k8s.io";
constexpr const char* k_service_label = "kubernetes.io/service-name";
// Kubernetes' own limit of one slice.
constexpr std::size_t k_slice_endpoints_max = 1000;

bool selects(const json& service, const json& pod) {
  const json& selector = at_path(service, {"spec", "selector"});
  return !selector.empty() && has_labels(pod, selector);
}

bool is_ready(const json& pod) {
  for (const json& condition : at_path(pod, {"status", "conditions"}))
    if (string_at(condition, {"type"}) == "Ready")
      return string_at(condition, {"status"}) == "True";
  return false;
}

bool has_endpoint(const json& pod) {
  const std::string phase = string_at(pod, {"status", "phase"});
  return !string_at(pod, {"status", "podIP"}).empty() && phase != "Succeeded" && phase != "Failed";
}

// A number, or the container port of that name; 0 when the pod has none.
std::int64_t resolve_port(const json& target, const json& pod) {
  if (target.is_number_integer()) return target.get<std::int64_t>();
  for (const json& container : at_path(pod, {"spec", "containers"}))
    for (const json& port : at_path(container, {"ports"}))
      if (target.is_string() && string_at(port, {"name"}) == target.get_ref<const std::string&>())
        return integer_at(port, {"containerPort"});
  return 0;
}

json ports_for(const json& service, const json& pod) {
  json ports = json::array();
  for (const json& port : at_path(service, {"spec", "ports"})) {
    const std::int64_t number = resolve_port(at_path(port, {"targetPort"}), pod);
    if (number == 0) continue;
    ports.push_back({{"name", string_at(port, {"name"})},
                     {"port", number},
                     {"protocol", string_at(port, {"protocol"})}});
  }
  return ports;
}

json endpoint_of(const json& service, const json& pod) {
  const bool serving = is_ready(pod);
  const bool terminating = is_terminating(pod);
  const bool ready =
      bool_at(service, {"spec", "publishNotReadyAddresses"}) || (serving && !terminating);
  json endpoint{
      {"addresses", json::array({string_at(pod, {"status", "podIP"})})},
      {"conditions", {{"ready", ready}, {"serving", serving}, {"terminating", terminating}}},
      {"targetRef",
       {{"kind", "Pod"},
        {"namespace", string_at(pod, {"metadata", "namespace"})},
        {"name", string_at(pod, {"metadata", "name"})},
        {"uid", string_at(pod, {"metadata", "uid"})}}}};
  const std::string node = string_at(pod, {"spec", "nodeName"});
  if (!node.empty()) endpoint["nodeName"] = node;
  const std::string hostname = string_at(pod, {"spec", "hostname"});
  if (!hostname.empty() &&
      string_at(pod, {"spec", "subdomain"}) == string_at(service, {"metadata", "name"}))
    endpoint["hostname"] = hostname;
  return endpoint;
}

json slice_of(const json& service, const std::string& name) {
  const std::string service_name = string_at(service, {"metadata", "name"});
  json labels = at_path(service, {"metadata", "labels"});
  labels[k_service_label] = service_name;
  labels["endpointslice.kubernetes.io/managed-by"] = k_manager;
  if (string_at(service, {"spec", "clusterIP"}) == "None")
    labels["service.kubernetes.io/headless"] = "";
  json owner{{"apiVersion", "v1"},   {"kind", "Service"},
             {"name", service_name}, {"uid", string_at(service, {"metadata", "uid"})},
             {"controller", true},   {"blockOwnerDeletion", true}};
  return {{"apiVersion", "discovery.k8s.io/v1"},
          {"kind", "EndpointSlice"},
          {"metadata",
           {{"name", name},
            {"namespace", string_at(service, {"metadata", "namespace"})},
            {"labels", std::move(labels)},
            {"ownerReferences", json::array({std::move(owner)})}}},
          {"addressType", "IPv4"},
          {"endpoints", json::array()},
          {"ports", json::array()}};
}

// The slices a Service should have, by name: one for each set of resolved ports (pods may name
// their ports differently), more when one is full, and an empty one when nothing is selected.
std::map<std::string, json> plan_slices(const json& service, const std::vector<Document>& pods) {
  std::map<std::string, json> slices;
  std::map<std::string, std::size_t> counts;  // endpoints by rendered ports
  const std::string prefix = string_at(service, {"metadata", "name"}) + "-";
  constexpr std::size_t k_suffix_characters = 5;
  const auto slice_for = [&](const json& ports, std::size_t number) -> json& {
    const std::string name =
        prefix + short_hash(dump_json(ports) + "#" + std::to_string(number), k_suffix_characters);
    const auto [slice, is_new] = slices.try_emplace(name);
    if (is_new) {
      slice->second = slice_of(service, name);
      slice->second["ports"] = ports;
    }
    return slice->second;
  };
  for (const Document& pod : pods) {
    if (!selects(service, pod.json()) || !has_endpoint(pod.json())) continue;
    const json ports = ports_for(service, pod.json());
    const std::size_t number = counts[dump_json(ports)]++ / k_slice_endpoints_max;
    slice_for(ports, number)["endpoints"].push_back(endpoint_of(service, pod.json()));
  }
  if (slices.empty()) slice_for(json::array(), 0);
  return slices;
}

}  // namespace

void Store::note_endpoint_work(const Change& change) {
  if (change.key.plural == "services" && change.type != ChangeType::Deleted)
    stale_services_.insert(change.key);
  if (change.key.plural == "endpointslices" && change.type == ChangeType::Deleted)
    stale_services_.insert(
        {"services", change.key.ns,
         string_at(change.object.json(), {"metadata", "labels", k_service_label})});
  if (change.key.plural != "pods") return;
  for (auto at = objects_.lower_bound({"services", change.key.ns, ""});
       at != objects_.end() && at->first.plural == "services" && at->first.ns == change.key.ns;
       ++at)
    if (selects(at->second.json(), change.object.json()) ||
        selects(at->second.json(), change.previous.json()))
      stale_services_.insert(at->first);
}

void Store::update_endpoints(WallTime now) {
  for (const StoreKey& service : std::exchange(stale_services_, {}))
    update_endpoints_of(service, now);
}

void Store::update_endpoints_of(const StoreKey& key, WallTime now) {
  const Document service = find(key);
  // The slices of a Service that is gone are garbage; one without selector has slices of its
  // user's.
  if (service.is_null() || at_path(service.json(), {"spec", "selector"}).empty()) return;
  const auto pods =
      list({.type = find_type_by_plural("pods"), .ns = key.ns, .labels = {}, .fields = {}});
  std::map<std::string, json> wanted = plan_slices(service.json(), pods);
  const auto owned = dependents_.find(string_at(service.json(), {"metadata", "uid"}));
  const std::set<StoreKey> present =
      owned == dependents_.end() ? std::set<StoreKey>{} : owned->second;
  const WriteOptions options{.now = now, .field_manager = "endpointslice-controller"};
  for (const StoreKey& slice : present) {
    if (slice.plural != "endpointslices") continue;
    const auto found = wanted.find(slice.name);
    if (found == wanted.end()) {
      static_cast<void>(remove(slice, {.now = now}));
    } else {
      static_cast<void>(update(slice, found->second, options));
      wanted.erase(found);
    }
  }
  for (const auto& [name, slice] : wanted)
    static_cast<void>(create({"endpointslices", key.ns, name}, slice, options));
}

}  // namespace ray_gitops::local_cluster
