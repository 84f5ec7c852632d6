#include "agent/local_cluster/store/json_path.h"

#include <nlohmann/json.hpp>

namespace ray_gitops::local_cluster {
namespace {

const nlohmann::json& empty_object() {
  static const nlohmann::json k_empty = nlohmann::json::object();
  return k_empty;
}

const nlohmann::json* step_into(const nlohmann::json* value, std::string_view name) {
  if (!value->is_object()) return nullptr;
  const auto found = value->find(name);
  return found == value->end() ? nullptr : &*found;
}

}  // namespace

const nlohmann::json& at_path(const nlohmann::json& object,
                              std::initializer_list<std::string_view> names) {
  const nlohmann::json* value = &object;
  for (const std::string_view name : names) {
    value = step_into(value, name);
    if (value == nullptr) return empty_object();
  }
  return value->is_null() ? empty_object() : *value;
}

std::string string_at(const nlohmann::json& object, std::initializer_list<std::string_view> names) {
  const nlohmann::json& value = at_path(object, names);
  return value.is_string() ? value.get<std::string>() : std::string{};
}

std::string string_at_dotted(const nlohmann::json& object, std::string_view path) {
  const nlohmann::json* value = &object;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    value = step_into(value, path.substr(0, dot));
    if (value == nullptr) return {};
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  }
  if (value->is_boolean()) return value->get<bool>() ? "true" : "false";
  return value->is_string() ? value->get<std::string>() : std::string{};
}

std::int64_t integer_at(const nlohmann::json& object, std::initializer_list<std::string_view> names,
                        std::int64_t otherwise) {
  const nlohmann::json& value = at_path(object, names);
  return value.is_number_integer() ? value.get<std::int64_t>() : otherwise;
}

std::string dump_json(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool bool_at(const nlohmann::json& object, std::initializer_list<std::string_view> names) {
  const nlohmann::json& value = at_path(object, names);
  return value.is_boolean() && value.get<bool>();
}

}  // namespace ray_gitops::local_cluster
