#pragma once
// YAML text -> JSON with source positions, within budgets.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/source_tree.h"
#include "reconcilers/model/diagnostic.h"

namespace ray_gitops {

inline constexpr std::size_t k_file_bytes_max = 1U << 20U;       // 1 MiB
inline constexpr std::size_t k_documents_max = 1000;             // of a file
inline constexpr std::size_t k_yaml_depth_max = 64;              // nested mappings and lists
inline constexpr std::size_t k_yaml_nodes_max = 200'000;         // values, aliases expanded
inline constexpr std::size_t k_yaml_text_bytes_max = 4U << 20U;  // of scalars, aliases expanded
inline constexpr std::size_t k_yaml_aliases_max = 100;

// One document's text.
struct YamlText {
  std::string_view bytes;
  int line = 1;  // in the file, of its first byte
};

// A text cut at its document markers ("---" and "..." at the start of a line, which in YAML end
// whatever stands before them), without the documents that hold nothing.
std::vector<YamlText> split_documents(std::string_view bytes);

struct YamlDocument {
  nlohmann::json root;         // of an incomplete one: the members of the root that were read whole
  SourceNodePtr source;        // of `root`; never null
  bool complete = false;       // read to the end
  bool identity_clear = true;  // no key stands twice at the root or in metadata
  int line = 0;                // of the first value
  std::vector<Diagnostic> diagnostics;  // without errors the document is complete
};

// Reads the one document of `text` (YAML 1.2 core types, see parse_plain_scalar). Quoted scalars
// are strings. Refused: duplicate keys, merge keys, tags other than !!str, !!map, !!seq, keys that
// are no scalars, and what exceeds the budgets. Never prints a value: it could be a secret's.
YamlDocument read_yaml(const YamlText& text, const std::string& path);

// Whether all of it is UTF-8 without control characters but tab and line ends; else the line of the
// first offence.
struct TextCheck {
  bool ok = true;
  int line = 0;
};
TextCheck check_text(std::string_view bytes);

}  // namespace ray_gitops
