#pragma once
// Reading fields of untyped objects: absent and of another type are the same as empty.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace ray_gitops::local_cluster {

// The value below these names, or an empty object.
const nlohmann::json& at_path(const nlohmann::json& object,
                              std::initializer_list<std::string_view> names);
// The text there, or "".
std::string string_at(const nlohmann::json& object, std::initializer_list<std::string_view> names);
// "spec.nodeName": the text there (booleans as "true" and "false"), or "".
std::string string_at_dotted(const nlohmann::json& object, std::string_view path);
std::int64_t integer_at(const nlohmann::json& object, std::initializer_list<std::string_view> names,
                        std::int64_t otherwise = 0);
// As text, keys sorted. Never throws: what is no UTF-8 is replaced.
std::string dump_json(const nlohmann::json& value);
bool bool_at(const nlohmann::json& object, std::initializer_list<std::string_view> names);

}  // namespace ray_gitops::local_cluster
