#pragma once
// Reading JSON that others wrote without ever throwing: what is absent or of another type reads as
// the fallback.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace ray_gitops::local_cluster {

// The member, or null when `value` is no object or has none of that name.
const nlohmann::json& member(const nlohmann::json& value, std::string_view name);
const nlohmann::json& member(const nlohmann::json& value, std::string_view outer,
                             std::string_view inner);
// The value itself when it is an array, otherwise an empty one.
const nlohmann::json& elements(const nlohmann::json& value);
std::string text(const nlohmann::json& value, const std::string& fallback = {});
std::int64_t integer(const nlohmann::json& value, std::int64_t fallback = 0);
bool boolean(const nlohmann::json& value, bool fallback = false);
// The text members of an object.
std::map<std::string, std::string> text_map(const nlohmann::json& value);

}  // namespace ray_gitops::local_cluster
