#include "reconcilers/manifest/service_ports.h"

#include <utility>

#include "reconcilers/manifest/object_parts.h"

namespace ray_gitops {

using Json = nlohmann::json;

std::string port_name(const Json& port, const char* number) {
  const std::string name = text_member(port, "name");
  return name.empty() ? port.at(number).dump() + "-port" : name;
}

Json entries_at(const Json& object, const char* place, const char* member) {
  const Json::json_pointer path{place};
  Json entries = Json::array();
  if (!object.is_object() || !object.contains(path) || !object.at(path).is_array()) return entries;
  for (const Json& entry : object.at(path))
    if (entry.is_object() && entry.contains(member)) entries.push_back(entry);
  return entries;
}

Json listed_ports(const Json& pod_template) {
  return entries_at(pod_template, "/spec/containers/0/ports", "containerPort");
}

void PortList::add(Json port) {
  const std::string protocol = text_member(port, "protocol");
  const std::string number = port["port"].dump() + (protocol.empty() ? "TCP" : protocol);
  const std::string name = port["name"].get<std::string>();
  if (ports_.contains(name) || !numbers_.insert(number).second) return;
  ports_[name] = std::move(port);
}

Json PortList::json() && {
  Json list = Json::array();
  for (auto& [name, port] : ports_) list.push_back(std::move(port));
  return list;
}

}  // namespace ray_gitops
