#pragma once
// Reading JSON that a schema has accepted: what is absent or of another type reads as a default.

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace ray_gitops {

// The value at the end of the keys, or null when one of them is missing. Never throws.
const nlohmann::json* find(const nlohmann::json& json, std::initializer_list<const char*> keys);
// What find gives, or a null value to iterate over nothing.
const nlohmann::json& at_or_null(const nlohmann::json& json,
                                 std::initializer_list<const char*> keys);

std::string text_at(const nlohmann::json& json, std::initializer_list<const char*> keys);
bool flag_at(const nlohmann::json& json, std::initializer_list<const char*> keys);
std::int64_t integer_at(const nlohmann::json& json, std::initializer_list<const char*> keys,
                        std::int64_t otherwise);
// The string members of the object.
std::map<std::string, std::string> texts_at(const nlohmann::json& json,
                                            std::initializer_list<const char*> keys);

// As Go's strings.EqualFold(text, "true").
bool is_true_word(std::string_view text);

}  // namespace ray_gitops
