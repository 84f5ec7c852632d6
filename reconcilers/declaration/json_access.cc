#include "reconcilers/declaration/json_access.h"

#include <algorithm>
#include <cctype>

namespace ray_gitops {

const nlohmann::json* find(const nlohmann::json& json, std::initializer_list<const char*> keys) {
  const nlohmann::json* value = &json;
  for (const char* key : keys) {
    if (!value->is_object()) return nullptr;
    const auto member = value->find(key);
    if (member == value->end()) return nullptr;
    value = &*member;
  }
  return value;
}

const nlohmann::json& at_or_null(const nlohmann::json& json,
                                 std::initializer_list<const char*> keys) {
  static const nlohmann::json k_null;
  const nlohmann::json* value = find(json, keys);
  return value == nullptr ? k_null : *value;
}

std::string text_at(const nlohmann::json& json, std::initializer_list<const char*> keys) {
  const nlohmann::json& value = at_or_null(json, keys);
  return value.is_string() ? value.get<std::string>() : std::string();
}

bool flag_at(const nlohmann::json& json, std::initializer_list<const char*> keys) {
  const nlohmann::json& value = at_or_null(json, keys);
  return value.is_boolean() && value.get<bool>();
}

std::int64_t integer_at(const nlohmann::json& json, std::initializer_list<const char*> keys,
                        std::int64_t otherwise) {
  const nlohmann::json& value = at_or_null(json, keys);
  return value.is_number_integer() ? value.get<std::int64_t>() : otherwise;
}

std::map<std::string, std::string> texts_at(const nlohmann::json& json,
                                            std::initializer_list<const char*> keys) {
  std::map<std::string, std::string> texts;
  const nlohmann::json& value = at_or_null(json, keys);
  if (!value.is_object()) return texts;
  for (const auto& [key, text] : value.items())
    if (text.is_string()) texts.emplace(key, text.get<std::string>());
  return texts;
}

bool is_true_word(std::string_view text) {
  constexpr std::string_view k_true = "true";
  return std::equal(text.begin(), text.end(), k_true.begin(), k_true.end(),
                    [](char left, char right) {
                      return std::tolower(static_cast<unsigned char>(left)) == right;
                    });
}

}  // namespace ray_gitops
