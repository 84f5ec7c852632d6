#include "reconcilers/parent/ray_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::parent {
namespace {

bool is_letter(char letter) { return std::isalpha(static_cast<unsigned char>(letter)) != 0; }
bool is_name(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' || letter == '.';
}

// Up to the last '@' of the word: a password may hold any other character.
std::string without_credentials(std::string_view text) {
  constexpr std::string_view k_begin = "://";
  std::string scrubbed;
  while (true) {
    const std::size_t begin = text.find(k_begin);
    if (begin == std::string_view::npos) return scrubbed + std::string(text);
    scrubbed += text.substr(0, begin + k_begin.size());
    text.remove_prefix(begin + k_begin.size());
    const std::string_view word = text.substr(0, text.find_first_of(" \t\r\n\"'<>`"));
    const std::size_t at_sign = word.rfind('@');
    if (at_sign == std::string_view::npos) continue;
    scrubbed += "***";
    text.remove_prefix(at_sign);
  }
}

// "ValueError: ...", "ray.exceptions.RayTaskError(KeyError): ...", "KeyboardInterrupt"
bool is_exception(std::string_view line) {
  constexpr std::array<std::string_view, 4> k_endings{"Error", "Exception", "Interrupt", "Exit"};
  if (line.empty() || !is_letter(line.front())) return false;
  const auto end = std::find_if_not(line.begin(), line.end(), is_name) - line.begin();
  const std::string_view name = line.substr(0, static_cast<std::size_t>(end));
  const std::string_view rest = line.substr(name.size());
  const bool is_named = std::any_of(k_endings.begin(), k_endings.end(),
                                    [&](std::string_view word) { return name.ends_with(word); });
  return is_named && (rest.empty() || rest.front() == ':' || rest.front() == '(');
}

}  // namespace

std::string publishable(const std::string& text) {
  return printable(without_credentials(without_escapes(text)), k_ray_text_bytes_max);
}

std::string last_exception(const std::string& message) {
  const std::string plain = without_escapes(message);
  std::string_view text = plain;
  while (!text.empty()) {
    const std::size_t line_end = text.find_last_of("\r\n");
    const std::string_view line =
        line_end == std::string_view::npos ? text : text.substr(line_end + 1);
    if (is_exception(line)) return publishable(std::string(line));
    text = line_end == std::string_view::npos ? std::string_view{} : text.substr(0, line_end);
  }
  return {};
}

}  // namespace ray_gitops::parent
