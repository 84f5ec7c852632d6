#pragma once
// One document's JSON -> a declaration, or what is wrong with it.

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/permissions.h"
#include "reconcilers/declaration/source_tree.h"
#include "reconcilers/model/declaration.h"

namespace ray_gitops {

struct CheckedDocument {
  std::optional<ObjectKey> key;
  std::optional<Declaration> declaration;  // when there is no error in it
  std::vector<Diagnostic> diagnostics;     // errors, warnings and what blocks it
  bool name_known = false;                 // `key`, or certainly nothing of ours
};

// Without `source` every position is the provenance's line.
CheckedDocument check_document(nlohmann::json document, SourceNodePtr source,
                               const Provenance& provenance, const std::string& default_namespace,
                               const Permissions& permissions);

}  // namespace ray_gitops
