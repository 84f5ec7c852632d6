#pragma once
// What standard output is.

#include <cstddef>

namespace ray_gitops::app {

// The width of the terminal; 0 when it is none.
std::size_t terminal_columns();

// It is a terminal, and NO_COLOR is not set (no-color.org).
bool takes_colour();

}  // namespace ray_gitops::app
