#pragma once
// The pages of the status branch that people read.

#include <cstddef>
#include <string>
#include <vector>

#include "reconcilers/status/tree.h"

namespace ray_gitops::status {

// In the diagnostics' list; all of them are in errors/.
inline constexpr std::size_t k_readme_diagnostics_max = 50;

// What is held, what is wrong with files, and a table of all objects: those first that need a
// person, jobs that have succeeded last. At most k_readme_bytes_max.
std::string render_readme(const StatusFacts& facts);

std::string render_error_file(const std::string& path, const std::vector<Diagnostic>& diagnostics);

// Text of a user's inside Markdown: no markup, no mention, no line end.
std::string escape_markdown(const std::string& text);

}  // namespace ray_gitops::status
