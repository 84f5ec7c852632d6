#pragma once
// The submission to Ray that a job asks for.

#include <string>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/document.h"

namespace ray_gitops::rayjob {

// The body of POST /api/jobs/ (Ray, "Ray Jobs REST API"). What the file leaves out is left out;
// amounts of 0 count as left out (KubeRay). `tag` joins the user's metadata as "ray-gitops.io/run".
Document submission_body(const RayJobSpec& spec, const std::string& submission_id,
                         const std::string& tag);

}  // namespace ray_gitops::rayjob
