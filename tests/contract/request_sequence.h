#pragma once
// Random sequences of requests.

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <rapidcheck.h>

namespace ray_gitops::contract {

// Which of an object's uids or resource versions a request names.
enum class Reference : std::uint8_t {
  None,
  Current,  // of the last answer that had the object
  First,    // of the first one: an object since deleted, or a version since overwritten
};

struct Type {
  const char* group_path;
  const char* plural;
  const char* api_version;
  const char* kind;
  bool has_address = false;  // of Services: NodePort ones instead of headless ones
};

const Type& type_of(const std::string& plural);

// What stands in a body for what differs from server to server: the Namespace and its uid, and that
// of the ServiceAccount `default` in it.
inline constexpr const char* k_namespace = "@namespace";
inline constexpr const char* k_namespace_uid = "@uid-of-namespace";
inline constexpr const char* k_account_uid = "@uid-of-account";

// One request to one of a few objects of a namespace. Uids and versions differ from server to
// server, so that they are named, not written.
struct Step {
  std::string method;
  std::string path;  // below the namespace, with its query: "configmaps/a?fieldManager=m"
  std::string content_type = "application/json";
  nlohmann::json body = {};
  Reference uid = Reference::None;      // of a write in its metadata, of a delete its precondition
  Reference version = Reference::None;  // the same
};

std::ostream& operator<<(std::ostream& out, const Step& step);

// Create, update, merge patch and apply by two managers, of the status too, delete, get, list and
// pages of lists of two ConfigMaps, Services, pods, Leases or Roles.
rc::Gen<std::vector<Step>> any_sequence();

// What every server takes.
nlohmann::json simplest_object(const Type& type, const std::string& name);

}  // namespace ray_gitops::contract
