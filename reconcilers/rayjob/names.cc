#include "reconcilers/rayjob/names.h"

#include "reconcilers/manifest/names.h"
#include "reconcilers/model/digest.h"

namespace ray_gitops::rayjob {

std::string run_tag(const AttemptName& name) {
  constexpr std::size_t k_digits = 8;
  return short_hash(name.job.ns + "/" + name.job.name + "\n" + name.run_hash, k_digits) + "-" +
         std::to_string(name.attempt);
}

std::string submission_id(const AttemptName& name, const RayJobSpec& spec) {
  return spec.job_id.empty() ? name.job.name + "-" + run_tag(name) : spec.job_id;
}

ObjectKey child_key(const AttemptName& name, const std::string& anchor_uid) {
  constexpr std::size_t k_digits = 5;
  const std::string identity =
      anchor_uid + "\n" + name.run_hash + "\n" + std::to_string(name.attempt);
  return {Kind::RayCluster, name.job.ns,
          fit_name(name.job.name + "-" + short_hash(identity, k_digits))};
}

}  // namespace ray_gitops::rayjob
