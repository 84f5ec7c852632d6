#pragma once
// Reading members of JSON that a network peer wrote: what is missing or of another type gives the
// default, never an exception.

#include <cstdint>
#include <limits>
#include <string>

#include <nlohmann/json.hpp>

namespace ray_gitops {

// The member, or JSON null.
inline const nlohmann::json& member(const nlohmann::json& object, const char* name) {
  static const nlohmann::json k_null;
  if (!object.is_object()) return k_null;
  const auto found = object.find(name);
  return found == object.end() ? k_null : *found;
}

template <class... Names>
const nlohmann::json& member(const nlohmann::json& object, const char* name, const char* next,
                             Names... names) {
  return member(member(object, name), next, names...);
}

inline std::string text_of(const nlohmann::json& value) {
  return value.is_string() ? value.get_ref<const std::string&>() : std::string{};
}

inline std::int64_t integer_of(const nlohmann::json& value) {
  if (!value.is_number_integer()) return 0;
  constexpr auto k_max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > k_max) return 0;
  return value.get<std::int64_t>();
}

inline bool is_true(const nlohmann::json& value) { return value.is_boolean() && value.get<bool>(); }

// The element of a list of objects whose `name` is `text`, or JSON null.
inline const nlohmann::json& element_with(const nlohmann::json& list, const char* name,
                                          const std::string& text) {
  if (list.is_array()) {
    for (const nlohmann::json& element : list) {
      if (member(element, name) == text) return element;
    }
  }
  return member(list, "");
}

}  // namespace ray_gitops
