#pragma once
// Collects the diagnostics of one document.

#include <cstddef>
#include <string>
#include <vector>

#include "reconcilers/declaration/path.h"
#include "reconcilers/declaration/rules.h"
#include "reconcilers/declaration/source_tree.h"
#include "reconcilers/model/declaration.h"
#include "reconcilers/model/diagnostic.h"

namespace ray_gitops {

inline constexpr std::size_t k_diagnostics_max = 100;  // of one document

class Findings {
 public:
  // Without a source (a document that was saved as JSON) positions are the document's line.
  Findings(SourceNodePtr source, Provenance provenance);

  // At the value, or at its key when the value is a mapping or a list.
  void error(Rule rule, const Path& path, std::string found, std::string write);
  void error_at_key(Rule rule, const Path& path, std::string found, std::string write);
  void warning(Rule rule, const Path& path, std::string found, std::string write);
  void add(Diagnostic diagnostic);

  Diagnostic make(Severity severity, Rule rule, Position position, std::string found,
                  std::string write) const;
  Position position_of(const Path& path) const;
  Position position_of_key(const Path& path) const;
  // How a plain scalar that is no string was written, or "" when that is not known.
  std::string written_text(const Path& path) const;

  bool has_errors() const { return has_errors_; }
  const std::vector<Diagnostic>& all() const { return diagnostics_; }
  const Provenance& provenance() const { return provenance_; }

 private:
  SourceNodePtr source_;
  Provenance provenance_;
  std::vector<Diagnostic> diagnostics_;
  bool has_errors_ = false;
};

}  // namespace ray_gitops
