#include "agent/local_cluster/store/validation.h"

#include <algorithm>
#include <cstdint>
#include <set>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/store/base64.h"
#include "agent/local_cluster/store/json_path.h"
#include "agent/local_cluster/store/service_network.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;
using Causes = std::vector<ApiCause>;

bool is_lower_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alphanumeric(char c) { return is_lower_alphanumeric(c) || (c >= 'A' && c <= 'Z'); }

// RFC 1123 label.
bool is_dns_label(std::string_view text) {
  return !text.empty() && text.size() <= k_label_value_characters_max &&
         is_lower_alphanumeric(text.front()) && is_lower_alphanumeric(text.back()) &&
         std::ranges::all_of(text, [](char c) { return is_lower_alphanumeric(c) || c == '-'; });
}

// RFC 1123 subdomain: labels (of any length here) between dots.
bool is_dns_subdomain(std::string_view text) {
  if (text.empty() || text.size() > k_name_characters_max) return false;
  char before = '.';
  for (const char c : text) {
    if (!is_lower_alphanumeric(c) && c != '-' && c != '.') return false;
    if (before == '.' && !is_lower_alphanumeric(c)) return false;
    if (before == '-' && c == '.') return false;
    before = c;
  }
  return is_lower_alphanumeric(before);
}

// Letters, digits, '-', '_', '.', of which the first and the last are letters or digits.
bool is_label_word(std::string_view text) {
  return text.size() <= k_label_value_characters_max && !text.empty() &&
         is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         std::ranges::all_of(
             text, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_qualified_name(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return is_label_word(text);
  return is_dns_subdomain(text.substr(0, slash)) && is_label_word(text.substr(slash + 1));
}

bool is_config_key(std::string_view text) {
  return !text.empty() && text.size() <= k_name_characters_max && text != "." && text != ".." &&
         std::ranges::all_of(
             text, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

void add_required(Causes& causes, const std::string& field, const std::string& why = "") {
  causes.push_back(
      {"FieldValueRequired", "Required value" + (why.empty() ? "" : ": " + why), field});
}

void add_invalid(Causes& causes, const std::string& field, const json& value,
                 const std::string& why) {
  causes.push_back({"FieldValueInvalid", "Invalid value: " + dump_json(value) + ": " + why, field});
}

constexpr const char* k_subdomain_rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr const char* k_label_rule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

void check_name(const ResourceType& type, const json& object, Causes& causes) {
  const std::string name = string_at(object, {"metadata", "name"});
  if (name.empty())
    return add_required(causes, "metadata.name", "name or generateName is required");
  const bool is_label_type = type.plural == "namespaces" || type.plural == "services";
  if (is_label_type && !is_dns_label(name))
    add_invalid(causes, "metadata.name", name, k_label_rule);
  if (!is_label_type && !is_dns_subdomain(name))
    add_invalid(causes, "metadata.name", name, k_subdomain_rule);
}

void check_labels(const json& object, Causes& causes) {
  for (const auto& [key, value] : at_path(object, {"metadata", "labels"}).items()) {
    if (!is_qualified_name(key))
      add_invalid(causes, "metadata.labels", key,
                  "name part must consist of alphanumeric characters, '-', '_' or '.', and must "
                  "start and end with an alphanumeric character");
    const auto& text = value.get_ref<const std::string&>();
    if (!text.empty() && !is_label_word(text))
      add_invalid(causes, "metadata.labels", value,
                  "a valid label must be an empty string or consist of alphanumeric characters, "
                  "'-', '_' or '.', and must start and end with an alphanumeric character");
  }
}

void check_annotations(const json& object, Causes& causes) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : at_path(object, {"metadata", "annotations"}).items()) {
    bytes += key.size() + value.get_ref<const std::string&>().size();
    if (!is_qualified_name(key))
      add_invalid(causes, "metadata.annotations", key,
                  "name part must consist of alphanumeric characters, '-', '_' or '.', and must "
                  "start and end with an alphanumeric character");
  }
  if (bytes > k_annotations_bytes_max)
    causes.push_back({"FieldValueTooLong", "Too long: may not be more than 262144 bytes",
                      "metadata.annotations"});
}

// In the order in which the server's own messages have their fields.
nlohmann::ordered_json in_order(const json& owners) {
  nlohmann::ordered_json ordered = nlohmann::ordered_json::array();
  for (const json& owner : owners) {
    nlohmann::ordered_json& reference = ordered.emplace_back(nlohmann::ordered_json::object());
    for (const char* field : {"apiVersion", "kind", "name", "uid"})
      reference[field] = string_at(owner, {field});
    for (const char* field : {"controller", "blockOwnerDeletion"})
      if (owner.contains(field)) reference[field] = owner[field];
  }
  return ordered;
}

void check_controllers(const json& owners, Causes& causes) {
  const auto name_of = [](const json& owner) {
    return string_at(owner, {"kind"}) + "/" + string_at(owner, {"name"});
  };
  std::string first;
  for (const json& owner : owners) {
    if (!bool_at(owner, {"controller"})) continue;
    if (first.empty())
      first = name_of(owner);
    else
      causes.push_back({"FieldValueInvalid",
                        "Invalid value: " + in_order(owners).dump() +
                            ": Only one reference can have Controller set to true. Found \"true\" "
                            "in references for " +
                            first + " and " + name_of(owner),
                        "metadata.ownerReferences"});
  }
}

void check_owners(const json& object, Causes& causes) {
  const json& owners = at_path(object, {"metadata", "ownerReferences"});
  check_controllers(owners, causes);
  std::size_t index = 0;
  for (const json& owner : owners) {
    const std::string field = "metadata.ownerReferences[" + std::to_string(index++) + "]";
    for (const char* part : {"apiVersion", "kind", "name", "uid"})
      if (string_at(owner, {part}).empty())
        add_required(causes, field + "." + part, "must not be empty");
  }
}

void check_containers(const json& spec, const char* list, Causes& causes) {
  std::set<std::string> names;
  std::size_t index = 0;
  for (const json& container : at_path(spec, {list})) {
    const std::string field = std::string("spec.") + list + "[" + std::to_string(index++) + "]";
    const std::string name = string_at(container, {"name"});
    if (name.empty())
      add_required(causes, field + ".name");
    else if (!is_dns_label(name))
      add_invalid(causes, field + ".name", name, k_label_rule);
    else if (!names.insert(name).second)
      causes.push_back(
          {"FieldValueDuplicate", "Duplicate value: \"" + name + "\"", field + ".name"});
    if (string_at(container, {"image"}).empty()) add_required(causes, field + ".image");
  }
}

void check_volume_mounts(const json& spec, Causes& causes) {
  std::set<std::string> volumes;
  for (const json& volume : at_path(spec, {"volumes"})) volumes.insert(string_at(volume, {"name"}));
  std::size_t container_index = 0;
  for (const json& container : at_path(spec, {"containers"})) {
    std::size_t index = 0;
    for (const json& mount : at_path(container, {"volumeMounts"})) {
      const std::string field = "spec.containers[" + std::to_string(container_index) +
                                "].volumeMounts[" + std::to_string(index++) + "].name";
      const std::string name = string_at(mount, {"name"});
      if (!volumes.contains(name))
        causes.push_back({"FieldValueNotFound", "Not found: \"" + name + "\"", field});
    }
    ++container_index;
  }
}

void check_pod(const json& pod, Causes& causes) {
  const json& spec = at_path(pod, {"spec"});
  const json& containers = at_path(spec, {"containers"});
  if (containers.empty()) add_required(causes, "spec.containers");
  check_containers(spec, "containers", causes);
  check_containers(spec, "initContainers", causes);
  check_volume_mounts(spec, causes);
  const std::string policy = string_at(spec, {"restartPolicy"});
  if (policy != "Always" && policy != "OnFailure" && policy != "Never")
    causes.push_back({"FieldValueNotSupported",
                      "Unsupported value: \"" + policy +
                          R"(": supported values: "Always", "Never", "OnFailure")",
                      "spec.restartPolicy"});
}

void check_service_ports(const json& ports, Causes& causes) {
  std::set<std::string> names;
  std::size_t index = 0;
  for (const json& port : ports) {
    const std::string field = "spec.ports[" + std::to_string(index++) + "]";
    const std::int64_t number = integer_at(port, {"port"});
    const std::string name = string_at(port, {"name"});
    if (number < 1 || number > 65535)
      add_invalid(causes, field + ".port", number, "must be between 1 and 65535, inclusive");
    if (name.empty() && ports.size() > 1) add_required(causes, field + ".name");
    if (!name.empty() && !names.insert(name).second)
      causes.push_back(
          {"FieldValueDuplicate", "Duplicate value: \"" + name + "\"", field + ".name"});
  }
}

void check_service_type(const json& service, Causes& causes) {
  const std::string type = string_at(service, {"spec", "type"});
  const std::string ip = string_at(service, {"spec", "clusterIP"});
  if (type != "ClusterIP" && type != "ExternalName" && !has_node_ports(service))
    causes.push_back(
        {"FieldValueNotSupported",
         "Unsupported value: \"" + type +
             R"(": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort")",
         "spec.type"});
  if (has_node_ports(service) && ip == "None")
    add_invalid(causes, "spec.clusterIPs[0]", ip,
                "may not be set to 'None' for " + type + " services");
  if (type == "ExternalName" && !ip.empty())
    causes.push_back({"FieldValueForbidden", "Forbidden: may not be set for ExternalName services",
                      "spec.clusterIPs"});
  if (type != "ClusterIP") return;
  std::size_t index = 0;
  for (const json& port : at_path(service, {"spec", "ports"})) {
    const std::string field = "spec.ports[" + std::to_string(index++) + "].nodePort";
    if (integer_at(port, {"nodePort"}) != 0)
      causes.push_back(
          {"FieldValueForbidden", "Forbidden: may not be used when `type` is 'ClusterIP'", field});
  }
}

void check_service(const json& service, Causes& causes) {
  check_service_type(service, causes);
  const json& spec = at_path(service, {"spec"});
  const json& ports = at_path(spec, {"ports"});
  const bool needs_ports =
      string_at(spec, {"type"}) != "ExternalName" && string_at(spec, {"clusterIP"}) != "None";
  if (needs_ports && ports.empty()) add_required(causes, "spec.ports");
  check_service_ports(ports, causes);
}

void check_config_data(const ResourceType& type, const json& object, Causes& causes) {
  const bool is_secret = type.plural == "secrets";
  std::size_t bytes = 0;
  for (const char* field : {"data", "binaryData"}) {
    for (const auto& [key, value] : at_path(object, {field}).items()) {
      bytes += value.get_ref<const std::string&>().size();
      if (!is_config_key(key))
        add_invalid(causes, std::string(field) + "[" + key + "]", key,
                    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'");
    }
  }
  // Base64 is a third longer than what it holds.
  if ((is_secret ? bytes / 4 * 3 : bytes) > k_config_data_bytes_max)
    causes.push_back({"FieldValueTooLong", "Too long: may not be more than 1048576 bytes",
                      is_secret ? "data" : ""});
}

void check_lease(const json& lease, Causes& causes) {
  const json& spec = at_path(lease, {"spec"});
  if (spec.contains("leaseDurationSeconds") && integer_at(spec, {"leaseDurationSeconds"}) <= 0)
    add_invalid(causes, "spec.leaseDurationSeconds", spec["leaseDurationSeconds"],
                "must be greater than 0");
  if (spec.contains("leaseTransitions") && integer_at(spec, {"leaseTransitions"}) < 0)
    add_invalid(causes, "spec.leaseTransitions", spec["leaseTransitions"],
                "must be greater than or equal to 0");
}

// The spec without what may change in a running pod.
json fixed_part_of(json spec) {
  for (const char* list : {"containers", "initContainers"}) {
    if (!spec.contains(list)) continue;
    for (json& container : spec[list]) container.erase("image");
  }
  for (const char* field : {"activeDeadlineSeconds", "tolerations", "schedulingGates"})
    spec.erase(field);
  return spec;
}

void check_pod_change(const json& before, const json& after, Causes& causes) {
  const std::size_t found = causes.size();
  for (const char* list : {"containers", "initContainers"})
    if (at_path(before, {list}).size() != at_path(after, {list}).size())
      causes.push_back({"FieldValueForbidden",
                        "Forbidden: pod updates may not add or remove containers",
                        std::string("spec.") + list});
  if (causes.size() == found && fixed_part_of(before) != fixed_part_of(after))
    causes.push_back({"FieldValueForbidden",
                      "Forbidden: pod updates may not change fields other than "
                      "`spec.containers[*].image`,`spec.initContainers[*].image`,"
                      "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
                      "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 "
                      "if it was previously negative)",
                      "spec"});
}

bool is_map_of_strings(const json& value) {
  if (!value.is_object()) return false;
  return std::ranges::all_of(value, [](const json& entry) { return entry.is_string(); });
}

bool is_list_of_objects(const json& value) {
  if (value.is_object() && value.empty()) return true;  // absent
  if (!value.is_array()) return false;
  return std::ranges::all_of(value, [](const json& item) { return item.is_object(); });
}

bool is_map_of_base64(const json& value) {
  return is_map_of_strings(value) && std::ranges::all_of(value, [](const json& entry) {
           return parse_base64(entry.get_ref<const std::string&>()).has_value();
         });
}

std::string find_malformed_metadata(const json& metadata) {
  if (!metadata.is_object()) return "metadata must be an object";
  for (const char* field : {"name", "namespace", "generateName", "resourceVersion", "uid"})
    if (metadata.contains(field) && !metadata[field].is_string())
      return std::string("metadata.") + field + " must be a string";
  for (const char* field : {"labels", "annotations"})
    if (!is_map_of_strings(at_path(metadata, {field})))
      return std::string("metadata.") + field + " must be a map of strings";
  if (!is_list_of_objects(at_path(metadata, {"ownerReferences"})))
    return "metadata.ownerReferences must be a list of objects";
  const json& finalizers = at_path(metadata, {"finalizers"});
  const bool are_strings =
      std::ranges::all_of(finalizers, [](const json& item) { return item.is_string(); });
  return are_strings ? "" : "metadata.finalizers must be a list of strings";
}

std::string find_malformed_pod(const json& spec) {
  for (const char* list : {"containers", "initContainers", "volumes"})
    if (!is_list_of_objects(at_path(spec, {list})))
      return std::string("spec.") + list + " must be a list of objects";
  for (const char* list : {"containers", "initContainers"})
    for (const json& container : at_path(spec, {list}))
      for (const char* field : {"ports", "env", "volumeMounts"})
        if (!is_list_of_objects(at_path(container, {field})))
          return std::string("spec.") + list + "." + field + " must be a list of objects";
  return {};
}

std::string find_malformed_spec(const ResourceType& type, const json& object) {
  const json& spec = at_path(object, {"spec"});
  if (!spec.is_object()) return "spec must be an object";
  if (!at_path(object, {"status"}).is_object()) return "status must be an object";
  if (type.plural == "pods") return find_malformed_pod(spec);
  if (type.plural != "services") return {};
  if (!is_list_of_objects(at_path(spec, {"ports"}))) return "spec.ports must be a list of objects";
  return is_map_of_strings(at_path(spec, {"selector"})) ? ""
                                                        : "spec.selector must be a map of strings";
}

}  // namespace

Causes find_violations(const ResourceType& type, const json& object) {
  Causes causes;
  check_name(type, object, causes);
  check_labels(object, causes);
  check_annotations(object, causes);
  check_owners(object, causes);
  if (type.plural == "pods") check_pod(object, causes);
  if (type.plural == "services") check_service(object, causes);
  if (type.plural == "configmaps" || type.plural == "secrets")
    check_config_data(type, object, causes);
  if (type.plural == "leases") check_lease(object, causes);
  return causes;
}

Causes find_forbidden_changes(const ResourceType& type, const json& before, const json& after) {
  Causes causes;
  if (type.plural == "pods")
    check_pod_change(at_path(before, {"spec"}), at_path(after, {"spec"}), causes);
  const std::string ip = string_at(before, {"spec", "clusterIP"});
  if (type.plural == "services" && !ip.empty() && string_at(after, {"spec", "clusterIP"}) != ip &&
      string_at(after, {"spec", "type"}) != "ExternalName")
    add_invalid(causes, "spec.clusterIPs[0]",
                json::array({string_at(after, {"spec", "clusterIP"})}), "may not change once set");
  if (type.plural == "secrets" && at_path(before, {"type"}) != at_path(after, {"type"}))
    add_invalid(causes, "type", at_path(after, {"type"}), "field is immutable");
  const bool is_data = type.plural == "secrets" || type.plural == "configmaps";
  if (is_data && bool_at(before, {"immutable"}))
    for (const char* field : {"immutable", "data", "binaryData"})
      if (at_path(before, {field}) != at_path(after, {field}))
        causes.push_back({"FieldValueForbidden",
                          "Forbidden: field is immutable when `immutable` is set", field});
  return causes;
}

std::string find_malformed(const ResourceType& type, const json& object) {
  if (!object.is_object()) return "the body must be an object";
  if (std::string why = find_malformed_metadata(at_path(object, {"metadata"})); !why.empty())
    return why;
  const bool is_secret = type.plural == "secrets";
  if (is_secret || type.plural == "configmaps") {
    const json& data = at_path(object, {"data"});
    if (is_secret ? !is_map_of_base64(data) : !is_map_of_strings(data))
      return is_secret ? "data must be a map of base64 texts" : "data must be a map of strings";
    if (!is_map_of_base64(at_path(object, {"binaryData"})))
      return "binaryData must be a map of base64 texts";
    return {};
  }
  return find_malformed_spec(type, object);
}

}  // namespace ray_gitops::local_cluster
