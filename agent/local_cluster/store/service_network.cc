#include "agent/local_cluster/store/service_network.h"

#include <charconv>
#include <map>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/store/json_path.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;
using Numbers = std::set<std::uint32_t>;

bool has_cluster_ip(const json& service) {
  return string_at(service, {"spec", "type"}) != "ExternalName";
}

std::uint32_t node_port_of(const json& port) {
  const std::int64_t number = integer_at(port, {"nodePort"});
  return number > 0 && number <= 65535 ? static_cast<std::uint32_t>(number) : 0;
}

Numbers node_ports_of(const json& service) {
  Numbers numbers;
  if (!has_node_ports(service)) return numbers;
  for (const json& port : at_path(service, {"spec", "ports"}))
    if (const std::uint32_t number = node_port_of(port); number != 0) numbers.insert(number);
  return numbers;
}

std::optional<std::uint32_t> find_lowest_free(const Numbers& taken, std::uint32_t first,
                                              std::uint32_t last) {
  std::uint32_t free = first;
  for (auto at = taken.lower_bound(first); at != taken.end() && *at == free; ++at) ++free;
  return free <= last ? std::optional(free) : std::nullopt;
}

// In a new Service, ports that differ in their protocol alone have one node port.
using NodePorts = std::map<std::int64_t, std::uint32_t>;

NodePorts node_ports_by_port(const json& ports) {
  NodePorts known;
  for (const json& port : ports)
    if (const std::uint32_t number = node_port_of(port); number != 0)
      known.try_emplace(integer_at(port, {"port"}), number);
  return known;
}

ApiCause refuse_ip(const std::string& asked, const std::string& why) {
  return {"FieldValueInvalid",
          "Invalid value: [\"" + asked + "\"]: failed to allocate IP " + asked + ": " + why,
          "spec.clusterIPs"};
}

ApiCause refuse_port(std::size_t index, const json& asked, const std::string& why) {
  return {"FieldValueInvalid", "Invalid value: " + dump_json(asked) + ": " + why,
          "spec.ports[" + std::to_string(index) + "].nodePort"};
}

std::string protocol_of(const json& port) {
  const std::string protocol = string_at(port, {"protocol"});
  return protocol.empty() ? "TCP" : protocol;
}

// The node port of `service` for the same traffic; 0 when it has none.
std::uint32_t node_port_for(const json& service, const json& port) {
  for (const json& other : at_path(service, {"spec", "ports"}))
    if (integer_at(other, {"port"}) == integer_at(port, {"port"}) &&
        protocol_of(other) == protocol_of(port))
      return node_port_of(other);
  return 0;
}

// Of a headless Service without selector nobody knows where its endpoints will be: it may have
// both.
void choose_ip_families(json& spec, const json& live) {
  const bool has_both = string_at(spec, {"clusterIP"}) == "None" && !spec.contains("selector");
  const json families = has_both ? json::array({"IPv4", "IPv6"}) : json::array({"IPv4"});
  const json& before = at_path(live, {"spec", "ipFamilies"});
  const std::string policy = string_at(live, {"spec", "ipFamilyPolicy"});
  if (!spec.contains("ipFamilies")) spec["ipFamilies"] = before.empty() ? families : before;
  if (spec.contains("ipFamilyPolicy")) return;
  if (policy.empty())
    spec["ipFamilyPolicy"] = has_both ? "RequireDualStack" : "SingleStack";
  else
    spec["ipFamilyPolicy"] = policy;
}

void keep_cluster_ip(const json& live, json& next) {
  json& spec = next["spec"];
  const std::string before = string_at(live, {"spec", "clusterIP"});
  const std::string asked = string_at(spec, {"clusterIP"});
  if (before.empty()) return;
  if (has_cluster_ip(next) && asked.empty()) {
    spec["clusterIP"] = before;
    spec["clusterIPs"] = at_path(live, {"spec", "clusterIPs"});
  } else if (!has_cluster_ip(next) && asked == before) {
    spec.erase("clusterIP");
    spec.erase("clusterIPs");
  }
}

void keep_node_ports(const json& live, json& next) {
  if (!has_node_ports(live) || !at_path(next, {"spec", "ports"}).is_array()) return;
  std::set<std::pair<std::string, std::uint32_t>> used;  // by protocol
  for (const json& port : next["spec"]["ports"])
    used.emplace(protocol_of(port), node_port_of(port));
  for (json& port : next["spec"]["ports"]) {
    const std::uint32_t asked = node_port_of(port);
    const std::uint32_t had = node_port_for(live, port);
    if (had == 0) continue;
    if (!has_node_ports(next)) {
      if (asked == had) port.erase("nodePort");
    } else if (asked == 0 && used.emplace(protocol_of(port), had).second) {
      port["nodePort"] = had;
    }
  }
}

void drop_of_other_types(json& next) {
  if (!has_node_ports(next)) next["spec"].erase("externalTrafficPolicy");
  if (has_cluster_ip(next)) return;
  for (const char* field : {"ipFamilies", "ipFamilyPolicy"}) next["spec"].erase(field);
}

}  // namespace

std::optional<std::uint32_t> parse_cluster_ip(std::string_view text) {
  std::uint32_t address = 0;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && (at == end || *at != '.')) return std::nullopt;
    if (part > 0) ++at;
    std::uint32_t value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc{} || value > 255U) return std::nullopt;
    address = address << 8U | value;
    at = next;
  }
  const bool is_ours = at == end && address >= k_cluster_ip_first && address <= k_cluster_ip_last;
  return is_ours ? std::optional(address) : std::nullopt;
}

std::string render_ip(std::uint32_t address) {
  return std::to_string(address >> 24U) + "." + std::to_string(address >> 16U & 255U) + "." +
         std::to_string(address >> 8U & 255U) + "." + std::to_string(address & 255U);
}

bool has_node_ports(const json& service) {
  const std::string type = string_at(service, {"spec", "type"});
  return type == "NodePort" || type == "LoadBalancer";
}

void ServiceNetwork::take(const json& service) {
  if (const auto ip = parse_cluster_ip(string_at(service, {"spec", "clusterIP"})))
    cluster_ips_.insert(*ip);
  node_ports_.merge(node_ports_of(service));
}

void ServiceNetwork::release(const json& service) {
  if (const auto ip = parse_cluster_ip(string_at(service, {"spec", "clusterIP"})))
    cluster_ips_.erase(*ip);
  for (const std::uint32_t number : node_ports_of(service)) node_ports_.erase(number);
}

std::vector<ApiCause> ServiceNetwork::allocate(json& service, const json& live) const {
  std::vector<ApiCause> causes;
  if (has_cluster_ip(service)) {
    choose_ip_families(service["spec"], live);
    allocate_cluster_ip(service, live, causes);
  }
  if (has_node_ports(service)) allocate_node_ports(service, live, causes);
  return causes;
}

void ServiceNetwork::allocate_cluster_ip(json& service, const json& live,
                                         std::vector<ApiCause>& causes) const {
  json& spec = service["spec"];
  const std::string asked = string_at(spec, {"clusterIP"});
  if (asked == "None") spec["clusterIPs"] = json::array({"None"});
  if (asked == "None" || (!asked.empty() && asked == string_at(live, {"spec", "clusterIP"})))
    return;
  const json& listed = at_path(spec, {"clusterIPs"});
  if (!listed.empty() && listed != json::array({asked})) {
    causes.push_back({"FieldValueInvalid",
                      "Invalid value: " + dump_json(listed) + ": element [0] must match clusterIP",
                      "spec.clusterIPs"});
    return;
  }
  auto address = parse_cluster_ip(asked);
  if (asked.empty()) {
    address = find_lowest_free(cluster_ips_, k_cluster_ip_first, k_cluster_ip_last);
    if (!address)
      causes.push_back({"FieldValueInvalid",
                        "Invalid value: []: failed to allocate a serviceIP: range is full",
                        "spec.clusterIPs"});
  } else if (!address) {
    causes.push_back(refuse_ip(asked, std::string("the provided IP is not in the valid range (") +
                                          k_service_subnet + ")"));
  } else if (cluster_ips_.contains(*address)) {
    causes.push_back(refuse_ip(asked, "provided IP is already allocated"));
  }
  if (!causes.empty()) return;
  spec["clusterIP"] = render_ip(*address);
  spec["clusterIPs"] = json::array({render_ip(*address)});
}

void ServiceNetwork::allocate_node_ports(json& service, const json& live,
                                         std::vector<ApiCause>& causes) const {
  if (!at_path(service, {"spec", "ports"}).is_array()) return;
  Numbers taken = node_ports_;
  for (const std::uint32_t own : node_ports_of(live)) taken.erase(own);
  json& ports = service["spec"]["ports"];
  std::map<std::uint32_t, std::set<std::string>> mine;  // the protocols of each
  std::size_t index = 0;
  for (const json& port : ports) {
    const json asked = port.value("nodePort", json(0));
    const std::uint32_t number = node_port_of(port);
    const bool is_in_range = number >= k_node_port_first && number <= k_node_port_last;
    if (asked != 0 && !is_in_range)
      causes.push_back(refuse_port(index, asked,
                                   "provided port is not in the valid range. The range of valid "
                                   "ports is 30000-32767"));
    const bool is_mine = mine.contains(number);  // for traffic of another protocol it may be
    const bool is_new = mine[number].insert(protocol_of(port)).second;
    if (is_in_range && !(is_mine ? is_new : taken.insert(number).second))
      causes.push_back(refuse_port(index, asked, "provided port is already allocated"));
    ++index;
  }
  if (!causes.empty()) return;
  // Now that those that are asked for are known. What the Service gives up is not free yet.
  taken.merge(node_ports_of(live));
  NodePorts shared = live.is_null() ? node_ports_by_port(ports) : NodePorts{};
  for (json& port : ports) {
    if (node_port_of(port) != 0) continue;
    const std::int64_t of = integer_at(port, {"port"});
    const auto known = shared.find(of);
    const auto number = known != shared.end()
                            ? std::optional(known->second)
                            : find_lowest_free(taken, k_node_port_first, k_node_port_last);
    if (!number) return causes.push_back(refuse_port(0, 0, "every node port is allocated"));
    taken.insert(*number);
    if (live.is_null()) shared[of] = *number;
    port["nodePort"] = *number;
  }
}

std::vector<ApiCause> check_ip_families(const json& service, const json& live) {
  const json& spec = at_path(service, {"spec"});
  const std::string asked = string_at(spec, {"ipFamilyPolicy"});
  const std::string policy = asked.empty() ? string_at(live, {"spec", "ipFamilyPolicy"}) : asked;
  const bool gets_selector =
      string_at(spec, {"clusterIP"}) == "None" && !at_path(spec, {"selector"}).empty();
  if (policy != "RequireDualStack" || !gets_selector) return {};
  return {{"FieldValueInvalid",
           "Invalid value: \"RequireDualStack\": this cluster is not configured for dual-stack "
           "services",
           "spec.ipFamilyPolicy"},
          {"FieldValueInvalid", "Invalid value: \"IPv6\": not configured on this cluster",
           "spec.ipFamilies[1]"}};
}

void keep_allocated(const json& live, json& next) {
  if (!next.contains("spec") || !next["spec"].is_object()) return;
  keep_cluster_ip(live, next);
  keep_node_ports(live, next);
  drop_of_other_types(next);
}

}  // namespace ray_gitops::local_cluster
