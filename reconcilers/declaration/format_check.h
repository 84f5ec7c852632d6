#pragma once
// The `format` keywords of our schemas.

#include "reconcilers/declaration/findings.h"
#include "reconcilers/declaration/schema.h"

namespace ray_gitops {

// Checks one value against its schema node's format: quantity, labels, annotations, base64 or
// dns-label. Values of another type than the format's are left to the schema.
void check_format(const SchemaVisit& visit, Findings& findings);

}  // namespace ray_gitops
