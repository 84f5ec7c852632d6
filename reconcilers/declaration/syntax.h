#pragma once
// The syntax of names and values in Kubernetes objects. Sources: Kubernetes API conventions
// (apimachinery validation and resource.Quantity), RFC 1035, RFC 1123.

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ray_gitops {

inline constexpr std::size_t k_dns_label_max = 63;
inline constexpr std::size_t k_dns_subdomain_max = 253;
inline constexpr std::size_t k_quantity_bytes_max = 64;
inline constexpr std::size_t k_annotations_bytes_max = 256U << 10U;

// [a-z]([-a-z0-9]*[a-z0-9])?, at most 63
bool is_dns1035_label(std::string_view text);
// [a-z0-9]([-a-z0-9]*[a-z0-9])?, at most 63
bool is_dns1123_label(std::string_view text);
// DNS-1123 labels joined by dots, at most 253
bool is_dns1123_subdomain(std::string_view text);
// An optional DNS subdomain and "/", then 1 to 63 of letters, digits, - _ . with a letter or digit
// at both ends.
bool is_qualified_name(std::string_view text);
// "" or the name part of a qualified name.
bool is_label_value(std::string_view text);
// A signed decimal number with one of n u m k M G T P E Ki Mi Gi Ti Pi Ei or an exponent.
bool is_quantity(std::string_view text);
bool is_base64(std::string_view text);
// "0.0.0.0:8080", "[::]:8080": the shape of a numeric address with a port.
bool is_listen_address(std::string_view text);
// Has a scheme ("https://", "local://"); a path has none.
bool is_uri(std::string_view text);

// The leading major.minor.patch of a version such as "2.52.0rc1" or an image tag "2.9.0-py310".
using Version = std::array<int, 3>;
std::optional<Version> parse_version(std::string_view text);
std::string to_string(const Version& version);

}  // namespace ray_gitops
