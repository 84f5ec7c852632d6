// Splitting and checking YAML text before it is parsed.

#include "reconcilers/declaration/yaml_reader.h"

namespace ray_gitops {
namespace {

bool is_marker(std::string_view line, std::string_view marker) {
  if (line.substr(0, marker.size()) != marker) return false;
  return line.size() == marker.size() || line[marker.size()] == ' ' ||
         line[marker.size()] == '\t' || line[marker.size()] == '\r';
}

bool holds_nothing(std::string_view line) {
  if (is_marker(line, "---")) line.remove_prefix(3);
  const std::size_t start = line.find_first_not_of(" \t\r");
  if (start == std::string_view::npos || line[start] == '#') return true;
  return start == 0 && line.substr(0, 5) == "%YAML";
}

// Bytes of the UTF-8 sequence at the start of `bytes` (RFC 3629), or 0.
std::size_t sequence_length(std::string_view bytes) {
  const auto byte_at = [&](std::size_t index) -> unsigned {
    return index < bytes.size() ? static_cast<unsigned char>(bytes[index]) : 0U;
  };
  const unsigned first = byte_at(0);
  if (first < 0x80U) return 1;
  const std::size_t length = first >= 0xF0U ? 4 : first >= 0xE0U ? 3 : 2;
  if (first < 0xC2U || first > 0xF4U) return 0;
  for (std::size_t index = 1; index < length; ++index)
    if ((byte_at(index) & 0xC0U) != 0x80U) return 0;
  const unsigned second = byte_at(1);
  const bool overlong = (first == 0xE0U && second < 0xA0U) || (first == 0xF0U && second < 0x90U);
  const bool surrogate = first == 0xEDU && second > 0x9FU;
  const bool too_high = first == 0xF4U && second > 0x8FU;
  return overlong || surrogate || too_high ? 0 : length;
}

bool is_control(char character) {
  const auto byte = static_cast<unsigned char>(character);
  return (byte < 0x20U && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7FU;
}

}  // namespace

std::vector<YamlText> split_documents(std::string_view bytes) {
  std::vector<YamlText> documents;
  std::size_t start = 0;
  int start_line = 1;
  bool empty = true;
  const auto end_document = [&](std::size_t end, std::size_t next, int next_line) {
    if (!empty) documents.push_back({bytes.substr(start, end - start), start_line});
    start = next;
    start_line = next_line;
    empty = true;
  };
  int line_number = 1;
  for (std::size_t offset = 0; offset < bytes.size(); ++line_number) {
    const std::size_t line_end = bytes.find('\n', offset);
    const std::size_t next = line_end == std::string_view::npos ? bytes.size() : line_end + 1;
    const std::string_view line = bytes.substr(offset, next - offset - (next > line_end ? 1U : 0U));
    if (is_marker(line, "---")) end_document(offset, offset, line_number);
    if (is_marker(line, "..."))
      end_document(offset, next, line_number + 1);
    else
      empty = empty && holds_nothing(line);
    offset = next;
  }
  end_document(bytes.size(), bytes.size(), line_number);
  return documents;
}

TextCheck check_text(std::string_view bytes) {
  int line = 1;
  for (std::size_t offset = 0; offset < bytes.size();) {
    const std::size_t length = sequence_length(bytes.substr(offset, 4));
    if (length == 0 || is_control(bytes[offset])) return {false, line};
    if (bytes[offset] == '\n') ++line;
    offset += length;
  }
  return {};
}

}  // namespace ray_gitops
