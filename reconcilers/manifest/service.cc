#include "reconcilers/manifest/service.h"

#include <map>
#include <utility>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/object_parts.h"
#include "reconcilers/manifest/service_ports.h"
#include "reconcilers/model/digest.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

Json service_port(const std::string& name, const Json& number) {
  return Json{{"name", name}, {"port", number}, {"protocol", "TCP"}, {"appProtocol", "tcp"}};
}

// The user's ports, then the Ray container's, or KubeRay's when it lists none; always `metrics`.
Json merged_ports(const Json& user_service, const Document& head_template) {
  PortList ports;
  for (Json& port : entries_at(user_service, "/spec/ports", "port")) {
    port["name"] = port_name(port, "port");
    ports.add(std::move(port));
  }
  const Json listed = listed_ports(head_template.json());
  for (const Json& port : listed)
    ports.add(service_port(port_name(port, "containerPort"), port["containerPort"]));
  if (listed.empty()) {
    for (const auto& [name, number] : std::map<std::string, int>{{"client", 10001},
                                                                 {"dashboard", 8265},
                                                                 {"gcs-server", 6379},
                                                                 {k_serve_port_name, k_serve_port}})
      ports.add(service_port(name, number));
  }
  ports.add(service_port("metrics", 8080));
  return std::move(ports).json();
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
  if (has_headless_service(spec)) {
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

Document with_desired_hash(Json body) {
  body["metadata"]["annotations"][labels::k_desired_hash] = stored_hash(body.dump());
  return Document{std::move(body)};
}

}  // namespace

bool has_headless_service(const RayClusterSpec& spec) {
  const Json& user_service = spec.head_service.json();
  const std::string type = type_of(user_service, spec);
  return !user_service.is_object() && (type.empty() || type == "ClusterIP");
}

Document head_service_body(const Declaration& declaration, const RayClusterSpec& spec,
                           const OwnerFacts& owner) {
  return with_desired_hash({{"apiVersion", "v1"},
                            {"kind", "Service"},
                            {"metadata", service_metadata(declaration, spec, owner)},
                            {"spec", service_spec(declaration, spec)}});
}

Document workers_service_body(const Declaration& declaration, const OwnerFacts& owner) {
  const std::string& cluster = declaration.key.name;
  Json metadata{{"name", workers_service_name(cluster)},
                {"namespace", declaration.key.ns},
                {"labels",
                 {{labels::k_cluster, cluster},
                  {labels::k_headless_workers, cluster},
                  {labels::k_agent, owner.agent_id}}},
                {"ownerReferences", Json::array({owner_reference(owner)})}};
  Json selector{{labels::k_cluster, cluster}, {labels::k_node_type, "worker"}};
  return with_desired_hash({{"apiVersion", "v1"},
                            {"kind", "Service"},
                            {"metadata", std::move(metadata)},
                            {"spec",
                             {{"type", "ClusterIP"},
                              {"clusterIP", "None"},
                              {"publishNotReadyAddresses", true},
                              {"selector", std::move(selector)}}}});
}

}  // namespace ray_gitops
