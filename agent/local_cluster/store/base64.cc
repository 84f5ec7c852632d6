#include "agent/local_cluster/store/base64.h"

#include <cstdint>

namespace ray_gitops::local_cluster {
namespace {

constexpr std::string_view k_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::optional<std::uint32_t> digit_value(char digit) {
  const std::size_t at = k_digits.find(digit);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<std::uint32_t>(at);
}

// Four digits, of which the last `padding` are '='.
std::optional<std::uint32_t> group_value(std::string_view digits, std::size_t padding) {
  std::uint32_t bits = 0;
  for (std::size_t at = 0; at < 4; ++at) {
    const auto value = at < 4 - padding ? digit_value(digits[at]) : std::optional<std::uint32_t>(0);
    if (!value) return std::nullopt;
    bits = bits << 6U | *value;
  }
  return bits;
}

}  // namespace

std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t bits = 0;
    for (std::size_t next = at; next < at + 3; ++next)
      bits = bits << 8U | (next < bytes.size() ? static_cast<unsigned char>(bytes[next]) : 0U);
    for (std::size_t digit = 0; digit < 4; ++digit)
      text += at + digit > bytes.size() ? '=' : k_digits[bits >> (18U - 6U * digit) & 63U];
  }
  return text;
}

std::optional<std::string> parse_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); at += 4) {
    const bool is_last = at + 4 == text.size();
    const std::size_t padding = !is_last || text[at + 3] != '=' ? 0 : text[at + 2] == '=' ? 2 : 1;
    const auto bits = group_value(text.substr(at, 4), padding);
    if (!bits) return std::nullopt;
    for (std::size_t byte = 0; byte < 3 - padding; ++byte)
      bytes += static_cast<char>(*bits >> (16U - 8U * byte) & 255U);
  }
  return bytes;
}

}  // namespace ray_gitops::local_cluster
