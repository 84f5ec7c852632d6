#include "reconcilers/model/diagnostic.h"

#include <array>

namespace ray_gitops {
namespace {

bool is_continuation_byte(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

std::size_t length_by_first_byte(unsigned char byte) {
  if (byte < 0x80U) return 1;
  if (byte >= 0xC2U && byte < 0xE0U) return 2;
  if (byte >= 0xE0U && byte < 0xF0U) return 3;
  return byte >= 0xF0U && byte < 0xF5U ? 4 : 0;
}

struct Character {
  std::size_t length = 1;  // in bytes
  char32_t code = 0;       // 0 for bytes that are no UTF-8
};

Character character_at(const std::string& text, std::size_t index) {
  constexpr std::array<char32_t, 5> k_smallest{0, 0, 0x80, 0x800, 0x10000};
  const auto first = static_cast<unsigned char>(text[index]);
  const std::size_t length = length_by_first_byte(first);
  if (length == 1) return {1, first};
  if (length == 0 || index + length > text.size()) return {};
  char32_t code = first & (0x7FU >> length);
  for (std::size_t next = index + 1; next < index + length; ++next) {
    if (!is_continuation_byte(text[next])) return {};
    code = (code << 6U) | (static_cast<unsigned char>(text[next]) & 0x3FU);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < k_smallest.at(length) || surrogate || code > 0x10FFFF) return {};
  return {length, code};
}

// Control characters (C0, C1), line and paragraph separators, and what turns the direction of the
// text that follows.
bool is_obeyed(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code <= 0x9F) || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0x200E || code == 0x200F;
}

std::string cut_in_the_middle(const std::string& text, std::size_t bytes_max) {
  static const std::string k_gap = " ... ";
  if (text.size() <= bytes_max) return text;
  if (bytes_max <= k_gap.size()) return std::string(bytes_max, '.');
  std::size_t head = (bytes_max - k_gap.size()) / 2;
  std::size_t tail = text.size() - (bytes_max - k_gap.size() - head);
  while (head > 0 && is_continuation_byte(text[head])) --head;
  while (tail < text.size() && is_continuation_byte(text[tail])) ++tail;
  return text.substr(0, head) + k_gap + text.substr(tail);
}

constexpr char k_escape = '\x1b';

// Where the escape sequence that begins at `at` ends (ECMA-48: CSI, OSC, and two bytes otherwise).
std::size_t end_of_escape(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  if (end >= text.size()) return end;
  const char kind = text[end++];
  if (kind == '[') {
    while (end < text.size() && (text[end] < '@' || text[end] > '~')) ++end;
    return std::min(end + 1, text.size());
  }
  if (kind != ']') return end;
  while (end < text.size() && text[end] != '\a' && text[end] != k_escape) ++end;
  if (end < text.size() && text[end] == '\a') return end + 1;
  return std::min(end + 2, text.size());
}

}  // namespace

std::string printable(const std::string& text, std::size_t bytes_max) {
  constexpr char k_digits[] = "0123456789abcdef";
  std::string shown;
  shown.reserve(text.size());
  for (std::size_t index = 0; index < text.size();) {
    const auto [length, code] = character_at(text, index);
    const std::size_t end = index + length;
    if (!is_obeyed(code)) {
      shown.append(text, index, length);
      index = end;
    }
    for (; index < end; ++index) {
      const auto byte = static_cast<unsigned char>(text[index]);
      shown += "\\x";
      shown += k_digits[byte >> 4U];
      shown += k_digits[byte & 15U];
    }
  }
  return cut_in_the_middle(shown, bytes_max);
}

std::string to_string(const Diagnostic& diagnostic) {
  std::string text = printable(diagnostic.path);
  if (diagnostic.line > 0)
    text += ":" + std::to_string(diagnostic.line) + ":" + std::to_string(diagnostic.column);
  text += " " + diagnostic.rule + ": " + printable(diagnostic.found);
  if (!diagnostic.write.empty()) text += "; " + printable(diagnostic.write);
  return text;
}

std::string without_escapes(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == k_escape)
      at = end_of_escape(text, at);
    else
      plain += text[at++];
  }
  return plain;
}

}  // namespace ray_gitops
