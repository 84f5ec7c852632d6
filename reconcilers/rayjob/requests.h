#pragma once
// What a job asks for: the submission to Ray, and the cluster it is made for.

#include <string>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/document.h"
#include "reconcilers/model/object_key.h"

namespace ray_gitops::rayjob {

// The body of POST /api/jobs/ (Ray, "Ray Jobs REST API"). What the file leaves out is left out;
// amounts of 0 count as left out (KubeRay). `tag` joins the user's metadata as "ray-gitops.io/run".
Document submission_body(const RayJobSpec& spec, const std::string& submission_id,
                         const std::string& tag);

// The declaration of the job's own cluster: its document under the child's name, with the job's
// provenance. Its typed form is made where the anchor is read, so `spec` is empty.
Declaration child_declaration(const Declaration& job, const RayJobSpec& spec,
                              const ObjectKey& child);

}  // namespace ray_gitops::rayjob
