#pragma once
// The pages of the status branch that people read.

#include <string>
#include <vector>

#include "reconcilers/status/tree.h"

namespace ray_gitops::status {

// A table of all objects, what is held, and what is wrong with files: at most k_readme_bytes_max.
std::string render_readme(const StatusFacts& facts);

std::string render_error_file(const std::string& path, const std::vector<Diagnostic>& diagnostics);

// Text of a user's inside Markdown: no markup, no mention, no line end.
std::string escape_markdown(const std::string& text);

}  // namespace ray_gitops::status
