#include "agent/local_cluster/kubelet/json_access.h"

#include <nlohmann/json.hpp>

namespace ray_gitops::local_cluster {

using nlohmann::json;

const json& member(const json& value, std::string_view name) {
  static const json null;
  if (!value.is_object()) return null;
  const auto found = value.find(name);
  return found == value.end() ? null : *found;
}

const json& member(const json& value, std::string_view outer, std::string_view inner) {
  return member(member(value, outer), inner);
}

const json& elements(const json& value) {
  static const json empty = json::array();
  return value.is_array() ? value : empty;
}

std::string text(const json& value, const std::string& fallback) {
  return value.is_string() ? value.get_ref<const std::string&>() : fallback;
}

std::int64_t integer(const json& value, std::int64_t fallback) {
  return value.is_number_integer() ? value.get<std::int64_t>() : fallback;
}

bool boolean(const json& value, bool fallback) {
  return value.is_boolean() ? value.get<bool>() : fallback;
}

std::map<std::string, std::string> text_map(const json& value) {
  std::map<std::string, std::string> result;
  if (!value.is_object()) return result;
  for (const auto& [name, entry] : value.items()) {
    if (entry.is_string()) result.emplace(name, entry.get_ref<const std::string&>());
  }
  return result;
}

}  // namespace ray_gitops::local_cluster
