#include "reconcilers/model/diagnostic.h"

namespace ray_gitops {
namespace {

bool is_continuation_byte(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

// U+0080 to U+009F, which some terminals obey: the bytes C2 80 to C2 9F. The second byte alone is
// no character, so escaping the first takes its meaning.
bool starts_control(const std::string& text, std::size_t index) {
  if (static_cast<unsigned char>(text[index]) != 0xC2U || index + 1 >= text.size()) return false;
  const auto next = static_cast<unsigned char>(text[index + 1]);
  return next >= 0x80U && next <= 0x9FU;
}

std::string cut_in_the_middle(const std::string& text, std::size_t bytes_max) {
  static const std::string k_gap = " ... ";
  if (text.size() <= bytes_max || bytes_max <= k_gap.size()) return text.substr(0, bytes_max);
  std::size_t head = (bytes_max - k_gap.size()) / 2;
  std::size_t tail = text.size() - (bytes_max - k_gap.size() - head);
  while (head > 0 && is_continuation_byte(text[head])) --head;
  while (tail < text.size() && is_continuation_byte(text[tail])) ++tail;
  return text.substr(0, head) + k_gap + text.substr(tail);
}

}  // namespace

std::string printable(const std::string& text, std::size_t bytes_max) {
  constexpr char k_digits[] = "0123456789abcdef";
  std::string shown;
  shown.reserve(text.size());
  for (std::size_t index = 0; index < text.size(); ++index) {
    const auto byte = static_cast<unsigned char>(text[index]);
    if (byte >= 0x20U && byte != 0x7FU && !starts_control(text, index)) {
      shown += text[index];
      continue;
    }
    shown += "\\x";
    shown += k_digits[byte >> 4U];
    shown += k_digits[byte & 15U];
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

}  // namespace ray_gitops
