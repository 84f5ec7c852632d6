#include "reconcilers/declaration/syntax.h"

#include <re2/re2.h>

namespace ray_gitops {
namespace {

bool matches(std::string_view text, const re2::RE2& pattern) {
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), pattern);
}

bool is_name_part(std::string_view text) {
  static const re2::RE2 k_pattern("[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?");
  return text.size() <= k_dns_label_max && matches(text, k_pattern);
}

}  // namespace

bool is_dns1035_label(std::string_view text) {
  return is_dns1123_label(text) && text.front() >= 'a' && text.front() <= 'z';
}

bool is_dns1123_label(std::string_view text) {
  static const re2::RE2 k_pattern("[a-z0-9]([-a-z0-9]*[a-z0-9])?");
  return text.size() <= k_dns_label_max && matches(text, k_pattern);
}

bool is_dns1123_subdomain(std::string_view text) {
  static const re2::RE2 k_pattern(
      "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*");
  return text.size() <= k_dns_subdomain_max && matches(text, k_pattern);
}

bool is_qualified_name(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return is_name_part(text);
  return is_dns1123_subdomain(text.substr(0, slash)) && is_name_part(text.substr(slash + 1));
}

bool is_label_value(std::string_view text) { return text.empty() || is_name_part(text); }

bool is_quantity(std::string_view text) {
  static const re2::RE2 k_pattern(
      "[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,3})?");
  return text.size() <= k_quantity_bytes_max && matches(text, k_pattern);
}

bool is_base64(std::string_view text) {
  static const re2::RE2 k_pattern("[A-Za-z0-9+/\\r\\n]*={0,2}[\\r\\n]*");
  if (!matches(text, k_pattern)) return false;
  std::size_t digits = 0;
  for (const char character : text) digits += character != '\r' && character != '\n' ? 1U : 0U;
  return digits % 4 == 0;
}

bool is_listen_address(std::string_view text) {
  static const re2::RE2 k_pattern("([0-9.]{7,15}|\\[[0-9a-fA-F:.]{2,45}\\]):[0-9]{1,5}");
  return matches(text, k_pattern);
}

bool is_uri(std::string_view text) { return text.find("://") != std::string_view::npos; }

std::optional<Version> parse_version(std::string_view text) {
  static const re2::RE2 k_pattern("v?([0-9]{1,6})\\.([0-9]{1,6})\\.([0-9]{1,6})(?:[^0-9.].*)?");
  Version version{};
  const bool found = re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), k_pattern,
                                         &version[0], &version[1], &version[2]);
  return found ? std::optional(version) : std::nullopt;
}

std::string to_string(const Version& version) {
  return std::to_string(version[0]) + "." + std::to_string(version[1]) + "." +
         std::to_string(version[2]);
}

}  // namespace ray_gitops
