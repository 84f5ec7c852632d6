#pragma once
// Clusters that are made for a job or a service.

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/document.h"
#include "reconcilers/model/object_key.h"

namespace ray_gitops::parent {

// The declaration of a cluster made for `parent`: the RayCluster document under the child's name,
// with the parent's provenance. Its typed form is made where the anchor is read, so `spec` is
// empty.
Declaration child_declaration(const Declaration& parent, const Document& cluster,
                              const ObjectKey& child);

}  // namespace ray_gitops::parent
