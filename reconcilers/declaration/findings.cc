#include "reconcilers/declaration/findings.h"

#include <utility>

namespace ray_gitops {

Findings::Findings(SourceNodePtr source, Provenance provenance)
    : source_(std::move(source)), provenance_(std::move(provenance)) {}

void Findings::error(Rule rule, const Path& path, std::string found, std::string write) {
  add(make(Severity::Error, rule, position_of(path), std::move(found), std::move(write)));
}

void Findings::error_at_key(Rule rule, const Path& path, std::string found, std::string write) {
  add(make(Severity::Error, rule, position_of_key(path), std::move(found), std::move(write)));
}

void Findings::warning(Rule rule, const Path& path, std::string found, std::string write) {
  add(make(Severity::Warning, rule, position_of_key(path), std::move(found), std::move(write)));
}

void Findings::add(Diagnostic diagnostic) {
  has_errors_ = has_errors_ || diagnostic.severity == Severity::Error;
  if (diagnostics_.size() < k_diagnostics_max) {
    diagnostics_.push_back(std::move(diagnostic));
  } else if (diagnostics_.size() == k_diagnostics_max) {
    diagnostics_.push_back(make(Severity::Error, Rule::MoreProblems, {provenance_.line, 1},
                                "this document has more problems",
                                "correct the ones listed, then look again"));
  }
}

Diagnostic Findings::make(Severity severity, Rule rule, Position position, std::string found,
                          std::string write) const {
  return {severity,        provenance_.path,         position.line,
          position.column, std::string(id_of(rule)), std::move(found),
          std::move(write)};
}

Position Findings::position_of(const Path& path) const {
  if (!source_) return {provenance_.line, 1};
  const Location location = locate(*source_, path);
  const bool is_scalar = location.node->members.empty() && location.node->items.empty();
  return is_scalar ? location.node->start : location.key;
}

Position Findings::position_of_key(const Path& path) const {
  return source_ ? locate(*source_, path).key : Position{provenance_.line, 1};
}

std::string Findings::written_text(const Path& path) const {
  return source_ ? locate(*source_, path).node->text : std::string();
}

}  // namespace ray_gitops
