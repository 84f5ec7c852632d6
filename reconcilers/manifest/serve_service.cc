#include "reconcilers/manifest/serve_service.h"

#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/json_members.h"
#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/object_parts.h"
#include "reconcilers/manifest/service_ports.h"
#include "reconcilers/model/digest.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

const Json& head_group(const RayServiceSpec& spec) {
  return member(spec.cluster.json(), "spec", "headGroupSpec");
}

// The serve ports of the head's Ray container, by name. No appProtocol: it would keep proxies that
// know HTTP from seeing the requests.
std::map<std::string, Json> head_ports(const RayServiceSpec& spec) {
  const Json listed = listed_ports(member(head_group(spec), "template"));
  std::map<std::string, Json> ports;
  const auto add = [&ports](const std::string& name, const Json& number) {
    ports.try_emplace(name, Json{{"name", name}, {"port", number}, {"protocol", "TCP"}});
  };
  if (listed.empty()) add(k_serve_port_name, k_serve_port);
  for (const Json& port : listed)
    if (const std::string name = port_name(port, "containerPort"); is_serve_port_name(name))
      add(name, port["containerPort"]);
  return ports;
}

Json serve_ports(const RayServiceSpec& spec) {
  std::map<std::string, Json> from_head = head_ports(spec);
  const bool has_any = !from_head.empty();
  PortList ports;
  for (Json& port : entries_at(spec.serve_service.json(), "/spec/ports", "port")) {
    const std::string name = port_name(port, "port");
    if (has_any && from_head.erase(name) == 0) continue;
    port["name"] = name;
    ports.add(std::move(port));
  }
  for (auto& [name, port] : from_head) ports.add(std::move(port));
  return std::move(ports).json();
}

Json serve_spec(const RayServiceSpec& spec, const std::string& cluster) {
  const Json& users = member(spec.serve_service.json(), "spec");
  Json body = users.is_object() ? users : Json::object();
  std::string type = text_member(body, "type");
  if (type.empty()) type = text_member(head_group(spec), "serviceType");
  body["type"] = type.empty() ? "ClusterIP" : type;
  body["selector"] = {{labels::k_cluster, cluster}, {labels::k_serve, "true"}};
  body["ports"] = serve_ports(spec);
  return body;
}

Json serve_metadata(const Declaration& declaration, const RayServiceSpec& spec,
                    const OwnerFacts& owner) {
  const std::string& service = declaration.key.name;
  Json label_map = metadata_map(spec.serve_service.json(), "labels");
  label_map[labels::k_originated_from_name] = service;
  label_map[labels::k_originated_from_kind] = name_of(Kind::RayService);
  label_map[labels::k_serve] = service + "-serve";
  label_map[labels::k_agent] = owner.agent_id;
  return Json{{"name", serve_service_name(service, spec)},
              {"namespace", declaration.key.ns},
              {"labels", label_map},
              {"annotations", metadata_map(spec.serve_service.json(), "annotations")},
              {"ownerReferences", Json::array({owner_reference(owner)})}};
}

}  // namespace

std::string serve_service_name(const std::string& service, const RayServiceSpec& spec) {
  const std::string name = text_of(member(spec.serve_service.json(), "metadata", "name"));
  return name.empty() ? service + "-serve-svc" : name;
}

Document serve_service_body(const Declaration& declaration, const RayServiceSpec& spec,
                            const std::string& cluster, const OwnerFacts& owner) {
  Json body{{"apiVersion", "v1"},
            {"kind", "Service"},
            {"metadata", serve_metadata(declaration, spec, owner)},
            {"spec", serve_spec(spec, cluster)}};
  body["metadata"]["annotations"][labels::k_desired_hash] = stored_hash(body.dump());
  return Document{std::move(body)};
}

Document serve_label_body(const std::string& pod, const std::string& ns, bool serves) {
  const Json metadata{
      {"name", pod}, {"namespace", ns}, {"labels", {{labels::k_serve, serves ? "true" : "false"}}}};
  return Document{Json{{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", metadata}}};
}

}  // namespace ray_gitops
