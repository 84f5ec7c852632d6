#pragma once
// Names of what a job makes. Deterministic: the same run and attempt gives the same name, so that
// whatever is repeated after a crash meets what was made before it.

#include <string>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/object_key.h"

namespace ray_gitops::rayjob {

// One attempt of one run of a job.
struct AttemptName {
  const ObjectKey& job;
  const std::string& run_hash;
  int attempt = 1;
};

// "<8 digits>-<attempt>": who submitted a job, as its metadata "ray-gitops.io/run" says.
std::string run_tag(const AttemptName& name);
// spec.jobId, or "<job>-<run tag>".
std::string submission_id(const AttemptName& name, const RayJobSpec& spec);
// The job's own cluster of this attempt. Another anchor of the same job gives another name, because
// what the anchor before it made is leaving and holds its names.
ObjectKey child_key(const AttemptName& name, const std::string& anchor_uid);

}  // namespace ray_gitops::rayjob
