#include "agent/local_cluster/store/table.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/store/json_path.h"
#include "agent/local_cluster/store/pod_summary.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;
using Cells = std::vector<json>;

struct Column {
  const char* name;
  bool is_number = false;
  bool is_wide = false;  // shown by -o wide only
};

struct Layout {
  std::vector<Column> columns;
  Cells (*cells)(const json& object, WallTime now) = nullptr;
};

std::string name_of(const json& object) { return string_at(object, {"metadata", "name"}); }

std::string age_of(const std::string& since, WallTime now) {
  const auto instant = parse_rfc3339(since);
  return instant ? render_age(*instant, now) : "<unknown>";
}

std::string age_of(const json& object, WallTime now) {
  return age_of(string_at(object, {"metadata", "creationTimestamp"}), now);
}

std::string or_none(const std::string& text) { return text.empty() ? "<none>" : text; }

Cells pod_cells(const json& pod, WallTime now) {
  const PodSummary summary = summarize_pod(pod);
  std::string restarts = std::to_string(summary.restarts);
  if (summary.restarts > 0 && summary.last_restart)
    restarts += " (" + render_age(*summary.last_restart, now) + " ago)";
  return {name_of(pod),
          std::to_string(summary.ready_containers) + "/" + std::to_string(summary.containers),
          summary.status,
          restarts,
          age_of(pod, now),
          or_none(string_at(pod, {"status", "podIP"})),
          or_none(string_at(pod, {"spec", "nodeName"})),
          or_none(string_at(pod, {"status", "nominatedNodeName"})),
          "<none>"};
}

std::string render_ports(const json& service) {
  std::string text;
  for (const json& port : at_path(service, {"spec", "ports"})) {
    text += (text.empty() ? "" : ",") + std::to_string(integer_at(port, {"port"}));
    const std::int64_t node_port = integer_at(port, {"nodePort"});
    if (node_port > 0) text += ":" + std::to_string(node_port);
    text += "/" + string_at(port, {"protocol"});
  }
  return or_none(text);
}

std::string render_selector(const json& selector) {
  std::string text;
  for (const auto& [key, value] : selector.items())
    text += (text.empty() ? "" : ",") + key + "=" + value.get<std::string>();
  return or_none(text);
}

Cells service_cells(const json& service, WallTime now) {
  const std::string external = string_at(service, {"spec", "externalName"});
  return {name_of(service),
          string_at(service, {"spec", "type"}),
          or_none(string_at(service, {"spec", "clusterIP"})),
          or_none(external),
          render_ports(service),
          age_of(service, now),
          render_selector(at_path(service, {"spec", "selector"}))};
}

std::size_t data_count(const json& object) {
  return at_path(object, {"data"}).size() + at_path(object, {"binaryData"}).size();
}

Cells configmap_cells(const json& object, WallTime now) {
  return {name_of(object), data_count(object), age_of(object, now)};
}

Cells secret_cells(const json& object, WallTime now) {
  return {name_of(object), string_at(object, {"type"}), data_count(object), age_of(object, now)};
}

Cells namespace_cells(const json& object, WallTime now) {
  return {name_of(object), string_at(object, {"status", "phase"}), age_of(object, now)};
}

std::string node_status(const json& node) {
  for (const json& condition : at_path(node, {"status", "conditions"}))
    if (string_at(condition, {"type"}) == "Ready")
      return string_at(condition, {"status"}) == "True" ? "Ready" : "NotReady";
  return "Unknown";
}

std::string node_roles(const json& node) {
  constexpr std::string_view k_prefix = "node-role.kubernetes.io/";
  std::string roles;
  for (const auto& [key, value] : at_path(node, {"metadata", "labels"}).items())
    if (key.starts_with(k_prefix))
      roles += (roles.empty() ? "" : ",") + key.substr(k_prefix.size());
  return or_none(roles);
}

std::string node_address(const json& node, std::string_view type) {
  for (const json& address : at_path(node, {"status", "addresses"}))
    if (string_at(address, {"type"}) == type) return string_at(address, {"address"});
  return "<none>";
}

Cells node_cells(const json& node, WallTime now) {
  const json& info = at_path(node, {"status", "nodeInfo"});
  return {name_of(node),
          node_status(node),
          node_roles(node),
          age_of(node, now),
          string_at(info, {"kubeletVersion"}),
          node_address(node, "InternalIP"),
          node_address(node, "ExternalIP"),
          or_none(string_at(info, {"osImage"})),
          or_none(string_at(info, {"kernelVersion"})),
          or_none(string_at(info, {"containerRuntimeVersion"}))};
}

Cells event_cells(const json& event, WallTime now) {
  std::string seen = string_at(event, {"lastTimestamp"});
  if (seen.empty()) seen = string_at(event, {"metadata", "creationTimestamp"});
  std::string kind = string_at(event, {"involvedObject", "kind"});
  std::ranges::transform(kind, kind.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return {age_of(seen, now),
          string_at(event, {"type"}),
          string_at(event, {"reason"}),
          kind + "/" + string_at(event, {"involvedObject", "name"}),
          string_at(event, {"message"}),
          name_of(event)};
}

Cells lease_cells(const json& lease, WallTime now) {
  return {name_of(lease), string_at(lease, {"spec", "holderIdentity"}), age_of(lease, now)};
}

std::string slice_ports(const json& slice) {
  std::string text;
  for (const json& port : at_path(slice, {"ports"}))
    text += (text.empty() ? "" : ",") + std::to_string(integer_at(port, {"port"}));
  return text.empty() ? "<unset>" : text;
}

std::string slice_addresses(const json& slice) {
  constexpr std::size_t k_shown_max = 3;
  std::string text;
  std::size_t count = 0;
  for (const json& endpoint : at_path(slice, {"endpoints"}))
    for (const json& address : at_path(endpoint, {"addresses"}))
      if (count++ < k_shown_max) text += (text.empty() ? "" : ",") + string_at(address, {});
  if (count > k_shown_max) text += " + " + std::to_string(count - k_shown_max) + " more...";
  return text.empty() ? "<unset>" : text;
}

Cells slice_cells(const json& slice, WallTime now) {
  return {name_of(slice), string_at(slice, {"addressType"}), slice_ports(slice),
          slice_addresses(slice), age_of(slice, now)};
}

std::string ready_of(const json& workload) {
  return std::to_string(integer_at(workload, {"status", "readyReplicas"})) + "/" +
         std::to_string(integer_at(workload, {"spec", "replicas"}));
}

Cells deployment_cells(const json& object, WallTime now) {
  return {name_of(object), ready_of(object), integer_at(object, {"status", "updatedReplicas"}),
          integer_at(object, {"status", "availableReplicas"}), age_of(object, now)};
}

Cells stateful_set_cells(const json& object, WallTime now) {
  return {name_of(object), ready_of(object), age_of(object, now)};
}

Cells claim_cells(const json& object, WallTime now) {
  return {name_of(object), string_at(object, {"status", "phase"}),
          string_at(object, {"spec", "volumeName"}),
          string_at(object, {"spec", "storageClassName"}), age_of(object, now)};
}

Cells binding_cells(const json& object, WallTime now) {
  return {name_of(object),
          string_at(object, {"roleRef", "kind"}) + "/" + string_at(object, {"roleRef", "name"}),
          age_of(object, now)};
}

Cells plain_cells(const json& object, WallTime now) {
  return {name_of(object), age_of(object, now)};
}

Layout layout_of_companion(std::string_view plural) {
  if (plural == "deployments")
    return {{{"Name"}, {"Ready"}, {"Up-to-date", true}, {"Available", true}, {"Age"}},
            deployment_cells};
  if (plural == "statefulsets") return {{{"Name"}, {"Ready"}, {"Age"}}, stateful_set_cells};
  if (plural == "persistentvolumeclaims")
    return {{{"Name"}, {"Status"}, {"Volume"}, {"StorageClass"}, {"Age"}}, claim_cells};
  if (plural == "rolebindings") return {{{"Name"}, {"Role"}, {"Age"}}, binding_cells};
  return {{{"Name"}, {"Age"}}, plain_cells};
}

Layout layout_of(std::string_view plural) {
  if (plural == "pods")
    return {{{"Name"},
             {"Ready"},
             {"Status"},
             {"Restarts"},
             {"Age"},
             {"IP", false, true},
             {"Node", false, true},
             {"Nominated Node", false, true},
             {"Readiness Gates", false, true}},
            pod_cells};
  if (plural == "services")
    return {{{"Name"},
             {"Type"},
             {"Cluster-IP"},
             {"External-IP"},
             {"Port(s)"},
             {"Age"},
             {"Selector", false, true}},
            service_cells};
  if (plural == "configmaps") return {{{"Name"}, {"Data", true}, {"Age"}}, configmap_cells};
  if (plural == "secrets") return {{{"Name"}, {"Type"}, {"Data", true}, {"Age"}}, secret_cells};
  if (plural == "namespaces") return {{{"Name"}, {"Status"}, {"Age"}}, namespace_cells};
  if (plural == "nodes")
    return {{{"Name"},
             {"Status"},
             {"Roles"},
             {"Age"},
             {"Version"},
             {"Internal-IP", false, true},
             {"External-IP", false, true},
             {"OS-Image", false, true},
             {"Kernel-Version", false, true},
             {"Container-Runtime", false, true}},
            node_cells};
  if (plural == "events")
    return {{{"Last Seen"}, {"Type"}, {"Reason"}, {"Object"}, {"Message"}, {"Name", false, true}},
            event_cells};
  if (plural == "leases") return {{{"Name"}, {"Holder"}, {"Age"}}, lease_cells};
  if (plural == "endpointslices")
    return {{{"Name"}, {"AddressType"}, {"Ports"}, {"Endpoints"}, {"Age"}}, slice_cells};
  return layout_of_companion(plural);
}

json render_column(const Column& column) {
  return {{"name", column.name},
          {"type", column.is_number ? "integer" : "string"},
          {"format", std::string_view(column.name) == "Name" ? "name" : ""},
          {"description", ""},
          {"priority", column.is_wide ? 1 : 0}};
}

json carried_object(const json& object, TableObjects carried) {
  if (carried == TableObjects::None) return nullptr;
  if (carried == TableObjects::Whole) return object;
  return {{"kind", "PartialObjectMetadata"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", at_path(object, {"metadata"})}};
}

}  // namespace

json render_table(const ResourceType& type, const std::vector<Document>& objects,
                  TableObjects carried, WallTime now) {
  const Layout layout = layout_of(type.plural);
  json columns = json::array();
  for (const Column& column : layout.columns) columns.push_back(render_column(column));
  json rows = json::array();
  for (const Document& object : objects)
    rows.push_back({{"cells", layout.cells(object.json(), now)},
                    {"object", carried_object(object.json(), carried)}});
  return {{"kind", "Table"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", json::object()},
          {"columnDefinitions", std::move(columns)},
          {"rows", std::move(rows)}};
}

TableObjects parse_table_objects(const std::string& text) {
  if (text == "None") return TableObjects::None;
  return text == "Object" ? TableObjects::Whole : TableObjects::Metadata;
}

std::string render_age(WallTime since, WallTime now) {
  constexpr std::int64_t k_minute = 60;
  constexpr std::int64_t k_hour = 60 * k_minute;
  constexpr std::int64_t k_day = 24 * k_hour;
  constexpr std::int64_t k_year = 365 * k_day;
  const std::int64_t seconds = std::max<std::int64_t>((now - since).count() / 1000, 0);
  const auto two = [seconds](std::int64_t large, const char* large_unit, std::int64_t small,
                             const char* small_unit) {
    const std::int64_t rest = seconds % large / small;
    return std::to_string(seconds / large) + large_unit +
           (rest == 0 ? "" : std::to_string(rest) + small_unit);
  };
  if (seconds < 2 * k_minute) return std::to_string(seconds) + "s";
  if (seconds < 10 * k_minute) return two(k_minute, "m", 1, "s");
  if (seconds < 3 * k_hour) return std::to_string(seconds / k_minute) + "m";
  if (seconds < 8 * k_hour) return two(k_hour, "h", k_minute, "m");
  if (seconds < 2 * k_day) return std::to_string(seconds / k_hour) + "h";
  if (seconds < 8 * k_day) return two(k_day, "d", k_hour, "h");
  if (seconds < 2 * k_year) return std::to_string(seconds / k_day) + "d";
  return two(k_year, "y", k_day, "d");
}

}  // namespace ray_gitops::local_cluster
