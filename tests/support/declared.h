#pragma once
// Declarations from YAML, as a watched file gives them.

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "reconcilers/declaration/parse.h"
#include "reconcilers/model/check.h"

namespace ray_gitops::test {

// The one valid document of the text; a file that is not valid ends the test program with what is
// wrong with it.
inline Declaration declared(std::string_view yaml) {
  const std::string commit(40, 'c');
  ParsedFile file = parse_file({"clusters/demo.yaml", yaml, commit}, "default");
  for (const Diagnostic& diagnostic : file.diagnostics)
    if (diagnostic.severity == Severity::Error)
      std::fprintf(stderr, "%s\n", to_string(diagnostic).c_str());
  CHECK(file.documents.size() == 1 && file.documents[0].declaration.has_value());
  return std::move(*file.documents[0].declaration);
}

inline const RayClusterSpec& cluster_spec(const Declaration& declaration) {
  return std::get<RayClusterSpec>(declaration.spec);
}

}  // namespace ray_gitops::test
