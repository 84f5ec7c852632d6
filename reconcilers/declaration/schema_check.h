#pragma once
// What a schema finds wrong with a document, in words.

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/findings.h"
#include "reconcilers/declaration/schema.h"

namespace ray_gitops {

// Adds an error for each violation of the schema, at the deepest place that explains it, and of the
// formats in it (quantities, labels, annotations, base64, DNS labels). Strings are shown only where
// a few words are allowed, and nothing of what the schema marks as writeOnly: it could be secret.
// True when the structure is the schema's, so that rules may rely on it.
bool check_against_schema(const Schema& schema, const nlohmann::json& instance, Findings& findings);

}  // namespace ray_gitops
