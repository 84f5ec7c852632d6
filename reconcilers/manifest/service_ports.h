#pragma once
// Ports of the Services that we make.

#include <map>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

namespace ray_gitops {

// `name` of a port, or "<number>-port" (KubeRay); `number` is the member with its number.
std::string port_name(const nlohmann::json& port, const char* number);

// The objects of the list at the place (a JSON pointer) that have the member.
nlohmann::json entries_at(const nlohmann::json& object, const char* place, const char* member);

// The ports that the Ray container of a pod template lists.
nlohmann::json listed_ports(const nlohmann::json& pod_template);

// The API refuses two ports of one name, and two of one number and protocol: the first one counts.
class PortList {
 public:
  void add(nlohmann::json port);  // a ServicePort with name and port
  nlohmann::json json() &&;       // in order of name

 private:
  std::map<std::string, nlohmann::json> ports_;  // by name
  std::set<std::string> numbers_;                // number and protocol
};

}  // namespace ray_gitops
