#include <algorithm>
#include <array>

#include "agent/log/log.h"

namespace ray_gitops::log {
namespace {

constexpr std::string_view k_mask = "***";

bool is_token_character(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') ||
         std::string_view{"-._~+/="}.find(character) != std::string_view::npos;
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
  const auto lower = [](char character) {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a')
                                                : character;
  };
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

// What a secret follows at once.
constexpr std::array<std::string_view, 10> k_prefixes = {"bearer ",     "authorization: basic ",
                                                         "github_pat_", "ghp_",
                                                         "gho_",        "ghu_",
                                                         "ghs_",        "ghr_",
                                                         "glpat-",      "gldt-"};

std::size_t prefix_length_at(std::string_view text) {
  for (const std::string_view prefix : k_prefixes) {
    if (equals_ignoring_case(text.substr(0, prefix.size()), prefix)) return prefix.size();
  }
  return 0;
}

// Of "user:password@" when `text` stands right after "://".
std::size_t user_information_length(std::string_view text) {
  const std::string_view authority = text.substr(0, text.find_first_of("/?# \t\r\n\"'<>"));
  const auto at = authority.rfind('@');
  return at == std::string_view::npos ? 0 : at;
}

}  // namespace

std::string redact(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  std::size_t position = 0;
  while (position < text.size()) {
    const std::string_view rest = text.substr(position);
    const bool is_url = rest.substr(0, 3) == "://";
    const std::size_t kept = is_url ? 3 : prefix_length_at(rest);
    std::size_t hidden = is_url ? user_information_length(rest.substr(3)) : 0;
    if (!is_url) {
      while (kept > 0 && kept + hidden < rest.size() && is_token_character(rest[kept + hidden]))
        ++hidden;
    }
    shown += rest.substr(0, std::max<std::size_t>(kept, 1));
    if (hidden > 0) shown += k_mask;
    position += std::max<std::size_t>(kept + hidden, 1);
  }
  return shown;
}

}  // namespace ray_gitops::log
