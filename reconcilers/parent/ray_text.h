#pragma once
// What of Ray's texts may be published. They hold pieces of logs, which may hold anything.

#include <cstddef>
#include <string>

namespace ray_gitops::parent {

// Of a text that came from Ray.
inline constexpr std::size_t k_ray_text_bytes_max = 300;

// One line of printable UTF-8 of at most k_ray_text_bytes_max: without terminal escape sequences,
// and with "***" for the credentials of URLs ("scheme://***@host").
std::string publishable(const std::string& text);

// The last line of the form "<Name>Error: ...", made publishable; empty without one. No other line
// of a log may be shown.
std::string last_exception(const std::string& message);

}  // namespace ray_gitops::parent
