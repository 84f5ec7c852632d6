#include "reconcilers/rayjob/requests.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/labels.h"

namespace ray_gitops::rayjob {

Document submission_body(const RayJobSpec& spec, const std::string& submission_id,
                         const std::string& tag) {
  nlohmann::json body{{"entrypoint", spec.entrypoint}, {"submission_id", submission_id}};
  body["metadata"] = spec.metadata;
  body["metadata"][labels::k_run] = tag;
  if (!spec.runtime_env.is_null()) body["runtime_env"] = spec.runtime_env.json();
  if (spec.entrypoint_num_cpus.value_or(0) > 0)
    body["entrypoint_num_cpus"] = *spec.entrypoint_num_cpus;
  if (spec.entrypoint_num_gpus.value_or(0) > 0)
    body["entrypoint_num_gpus"] = *spec.entrypoint_num_gpus;
  if (!spec.entrypoint_resources.is_null())
    body["entrypoint_resources"] = spec.entrypoint_resources.json();
  return Document{std::move(body)};
}

}  // namespace ray_gitops::rayjob
