#include "agent/ray/text.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::ray {
namespace {

// What pydantic, which checks Serve configurations for Ray, says last about each mistake, and the
// bracket that quotes the value.
constexpr std::string_view k_pydantic_end = "For further information visit https://errors.pydantic";
constexpr std::string_view k_pydantic_value = " [type=";

bool is_wordless(std::string_view line) {
  return std::none_of(line.begin(), line.end(), [](char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) != 0;
  });
}

std::string_view without_margin(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(' ');
  return begin == std::string_view::npos ? std::string_view{} : line.substr(begin);
}

// The last `count` lines with a word in them, the last one first. After the traceback of its own
// agent the head writes a line with a full stop.
std::vector<std::string_view> last_lines(std::string_view rest, std::size_t count) {
  std::vector<std::string_view> lines;
  lines.reserve(count);
  while (!rest.empty() && lines.size() < count) {
    const std::size_t line_end = rest.find_last_of("\r\n");
    const std::size_t begin = line_end == std::string_view::npos ? 0 : line_end + 1;
    if (const std::string_view line = rest.substr(begin); !is_wordless(line)) lines.push_back(line);
    rest = rest.substr(0, begin == 0 ? 0 : line_end);
  }
  return lines;
}

}  // namespace

std::string last_line(const std::string& text) {
  const std::string plain = without_escapes(text);
  const auto lines = last_lines(plain, 1);
  return lines.empty() ? std::string{} : printable(std::string(lines[0]), k_quoted_bytes_max);
}

std::string refusal_of(const std::string& text) {
  const std::string plain = without_escapes(text);
  const auto lines = last_lines(plain, 3);
  if (lines.size() < 3 || !without_margin(lines[0]).starts_with(k_pydantic_end))
    return last_line(text);
  const std::string_view complaint = without_margin(lines[1]);
  const std::string place(without_margin(lines[2]));
  return printable(
      place + ": " + std::string(complaint.substr(0, complaint.find(k_pydantic_value))),
      k_quoted_bytes_max);
}

std::string end_of(const std::string& message) {
  if (message.size() <= k_message_bytes_max) return message;
  std::size_t begin = message.size() - k_message_bytes_max;
  const auto is_continuation = [&](std::size_t at) {
    return (static_cast<unsigned char>(message[at]) & 0xC0U) == 0x80U;
  };
  while (begin < message.size() && is_continuation(begin)) ++begin;
  return message.substr(begin);
}

}  // namespace ray_gitops::ray
