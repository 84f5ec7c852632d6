#pragma once
// Tables for a terminal: columns as wide as what is in them.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ray_gitops::status {

// How many columns of a terminal the text takes. `text` is printable (model/diagnostic.h): East
// Asian and emoji characters take two, marks that combine none (Unicode, UAX #11).
std::size_t columns_of(std::string_view text);

// The text itself, or as much of it as goes into `columns_max` (at least 1) with "…" at its end.
std::string cut_to_columns(const std::string& text, std::size_t columns_max);

struct Cell {
  std::string text;   // printable
  std::string style;  // escape sequence that turns its colour on, or empty
};

struct ColumnTable {
  std::vector<std::vector<Cell>> rows;  // the headings first; all of the same number of cells
  std::size_t flexible = 0;             // the column that is cut when a line is too long
};

// The flexible column keeps so many columns, however narrow the terminal is: lines then wrap.
inline constexpr std::size_t k_flexible_columns_min = 24;

// One line a row, without spaces at its end. `columns_max` is the width of the terminal; 0: nothing
// is cut.
std::string render_columns(const ColumnTable& table, std::size_t columns_max);

}  // namespace ray_gitops::status
