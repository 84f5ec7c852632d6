#include "reconcilers/manifest/service.h"

#include <map>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/object_parts.h"
#include "reconcilers/model/digest.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

Json service_port(const std::string& name, const Json& number) {
  return Json{{"name", name}, {"port", number}, {"protocol", "TCP"}, {"appProtocol", "tcp"}};
}

// By name: the Ray container's ports, or KubeRay's five when it lists none; always `metrics`.
std::map<std::string, Json> ports_of_container(const Document& pod_template) {
  static const Json::json_pointer k_ports{"/spec/containers/0/ports"};
  const Json& json = pod_template.json();
  std::map<std::string, Json> ports;
  if (json.is_object() && json.contains(k_ports) && json.at(k_ports).is_array()) {
    for (const Json& port : json.at(k_ports)) {
      if (!port.is_object() || !port.contains("containerPort")) continue;
      const Json& number = port["containerPort"];
      std::string name = text_member(port, "name");
      if (name.empty()) name = number.dump() + "-port";
      ports[name] = service_port(name, number);
    }
  }
  if (ports.empty()) {
    for (const auto& [name, number] : std::map<std::string, int>{
             {"client", 10001}, {"dashboard", 8265}, {"gcs-server", 6379}, {"serve", 8000}})
      ports[name] = service_port(name, number);
  }
  ports.try_emplace("metrics", service_port("metrics", 8080));
  return ports;
}

Json merged_ports(const Json& user_service, const Document& head_template) {
  std::map<std::string, Json> ports = ports_of_container(head_template);
  static const Json::json_pointer k_ports{"/spec/ports"};
  if (user_service.is_object() && user_service.contains(k_ports))
    for (const Json& port : user_service.at(k_ports))
      if (const std::string name = text_member(port, "name"); !name.empty()) ports[name] = port;
  Json list = Json::array();
  for (auto& [name, port] : ports) list.push_back(std::move(port));
  return list;
}

std::string type_of(const Json& user_service, const RayClusterSpec& spec) {
  static const Json::json_pointer k_type{"/spec/type"};
  if (user_service.is_object() && user_service.contains(k_type) &&
      user_service.at(k_type).is_string())
    return user_service.at(k_type).get<std::string>();
  return spec.service_type;
}

// Headless unless another type is asked for: workers then resolve the head pod itself.
Json service_spec(const Declaration& declaration, const RayClusterSpec& spec) {
  const Json& user_service = spec.head_service.json();
  static const Json::json_pointer k_spec{"/spec"};
  Json body = user_service.is_object() && user_service.contains(k_spec) ? user_service.at(k_spec)
                                                                        : Json::object();
  const std::string type = type_of(user_service, spec);
  if (!type.empty()) body["type"] = type;
  if (!user_service.is_object() && (type.empty() || type == "ClusterIP")) {
    body["clusterIP"] = "None";
    body["publishNotReadyAddresses"] = true;
  }
  body["selector"] = head_selector(declaration.key.name);
  body["ports"] = merged_ports(user_service, spec.head.pod_template);
  return body;
}

Json service_metadata(const Declaration& declaration, const RayClusterSpec& spec,
                      const OwnerFacts& owner) {
  const Json& user_service = spec.head_service.json();
  Json label_map = metadata_map(user_service, "labels");
  label_map.update(head_selector(declaration.key.name));
  label_map[labels::k_agent] = owner.agent_id;
  Json annotations = metadata_map(user_service, "annotations");
  for (const auto& [key, value] : spec.head_service_annotations) annotations[key] = value;
  return Json{{"name", head_service_name(declaration.key.name, spec)},
              {"namespace", declaration.key.ns},
              {"labels", label_map},
              {"annotations", annotations},
              {"ownerReferences", Json::array({owner_reference(owner)})}};
}

}  // namespace

Document head_service_body(const Declaration& declaration, const RayClusterSpec& spec,
                           const OwnerFacts& owner) {
  Json body{{"apiVersion", "v1"},
            {"kind", "Service"},
            {"metadata", service_metadata(declaration, spec, owner)},
            {"spec", service_spec(declaration, spec)}};
  body["metadata"]["annotations"][labels::k_desired_hash] = stored_hash(body.dump());
  return Document{std::move(body)};
}

}  // namespace ray_gitops
