#include "reconcilers/status/columns.h"

#include <algorithm>
#include <array>

namespace ray_gitops::status {
namespace {

constexpr std::string_view k_gap = "  ";
constexpr std::string_view k_cut = "…";

struct Range {
  char32_t first;
  char32_t last;
};

constexpr std::array k_wide{
    Range{0x1100, 0x115F},   Range{0x2E80, 0x303E},   Range{0x3041, 0xA4CF},
    Range{0xAC00, 0xD7A3},   Range{0xF900, 0xFAFF},   Range{0xFE30, 0xFE6F},
    Range{0xFF00, 0xFF60},   Range{0xFFE0, 0xFFE6},   Range{0x1F300, 0x1F64F},
    Range{0x1F680, 0x1F6FF}, Range{0x1F7E0, 0x1F7EB}, Range{0x1F900, 0x1F9FF},
    Range{0x20000, 0x3FFFD}};
constexpr std::array k_combining{Range{0x0300, 0x036F}, Range{0x200B, 0x200D},
                                 Range{0x20D0, 0x20FF}, Range{0xFE00, 0xFE0F},
                                 Range{0xFE20, 0xFE2F}};

template <std::size_t count>
bool is_in(const std::array<Range, count>& ranges, char32_t code) {
  return std::any_of(ranges.begin(), ranges.end(), [code](const Range& range) {
    return range.first <= code && code <= range.last;
  });
}

struct Character {
  std::size_t length;   // in bytes
  std::size_t columns;  // on the terminal
};

Character first_character(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80U) return {1, 1};
  const std::size_t length = first < 0xE0U ? 2 : first < 0xF0U ? 3 : 4;
  char32_t code = first & (0x7FU >> length);
  for (const char byte : text.substr(1, length - 1))
    code = (code << 6U) | (static_cast<unsigned char>(byte) & 0x3FU);
  return {length, is_in(k_combining, code) ? 0U : is_in(k_wide, code) ? 2U : 1U};
}

std::vector<std::size_t> widths_of(const ColumnTable& table) {
  std::vector<std::size_t> widths;
  for (const std::vector<Cell>& row : table.rows) {
    widths.resize(row.size());
    for (std::size_t column = 0; column < row.size(); ++column)
      widths[column] = std::max(widths[column], columns_of(row[column].text));
  }
  return widths;
}

void fit(std::vector<std::size_t>& widths, std::size_t flexible, std::size_t columns_max) {
  if (columns_max == 0 || widths.empty()) return;
  std::size_t others = k_gap.size() * (widths.size() - 1);
  for (std::size_t column = 0; column < widths.size(); ++column)
    if (column != flexible) others += widths[column];
  const std::size_t left = columns_max > others ? columns_max - others : 0;
  widths[flexible] = std::min(widths[flexible], std::max(left, k_flexible_columns_min));
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const Character character = first_character(text);
    columns += character.columns;
    text.remove_prefix(std::min(character.length, text.size()));
  }
  return columns;
}

std::string cut_to_columns(const std::string& text, std::size_t columns_max) {
  if (columns_of(text) <= columns_max) return text;
  std::string_view rest = text;
  std::size_t columns = columns_of(k_cut);
  while (!rest.empty()) {
    const Character character = first_character(rest);
    columns += character.columns;
    if (columns > columns_max) break;
    rest.remove_prefix(std::min(character.length, rest.size()));
  }
  return text.substr(0, text.size() - rest.size()) + std::string(k_cut);
}

std::string render_columns(const ColumnTable& table, std::size_t columns_max) {
  std::vector<std::size_t> widths = widths_of(table);
  fit(widths, table.flexible, columns_max);
  std::string text;
  for (const std::vector<Cell>& row : table.rows) {
    std::string padding;
    for (std::size_t column = 0; column < row.size(); ++column) {
      const Cell& cell = row[column];
      const std::string shown = cut_to_columns(cell.text, std::max<std::size_t>(widths[column], 1));
      if (!shown.empty()) {
        text += padding;
        text += cell.style.empty() ? shown : cell.style + shown + "\x1b[0m";
        padding.clear();
      }
      padding.append(widths[column] - columns_of(shown), ' ').append(k_gap);
    }
    text += '\n';
  }
  return text;
}

}  // namespace ray_gitops::status
