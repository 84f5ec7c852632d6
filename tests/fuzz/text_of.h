#pragma once
// The bytes that a fuzz target is given, as text.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ray_gitops::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace ray_gitops::fuzz
