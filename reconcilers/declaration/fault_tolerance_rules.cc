#include "reconcilers/declaration/fault_tolerance_rules.h"

#include <string>

#include "reconcilers/declaration/json_access.h"
#include "reconcilers/declaration/raycluster_spec.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

// The older ways to say the same, none of which goes with the options.
void check_older_ways(const Json& spec, const Path& path, const Json& metadata,
                      Findings& findings) {
  const Json& head = at_or_null(spec, {"headGroupSpec"});
  const Path head_path = path / "headGroupSpec";
  const Path environment = head_path / "template" / "spec" / "containers" / 0 / "env";
  const bool has_options = find(spec, {"gcsFaultToleranceOptions"}) != nullptr;
  const std::string annotation = text_at(metadata, {"annotations", "ray.io/ft-enabled"});
  const auto twice = [&](const Path& place, const std::string& what) {
    findings.error(Rule::FaultToleranceTwice, place,
                   what + " is set beside gcsFaultToleranceOptions",
                   "keep gcsFaultToleranceOptions only");
  };
  const Path annotations = Path{{"metadata", "annotations"}};
  if (has_options && !annotation.empty())
    twice(annotations / "ray.io/ft-enabled", "the annotation ray.io/ft-enabled");
  if (has_options &&
      !text_at(metadata, {"annotations", "ray.io/external-storage-namespace"}).empty())
    twice(annotations / "ray.io/external-storage-namespace",
          "the annotation ray.io/external-storage-namespace");
  if (has_options && !text_at(head, {"rayStartParams", "redis-password"}).empty())
    twice(head_path / "rayStartParams" / "redis-password", "redis-password");
  for (const char* variable : {"REDIS_PASSWORD", "RAY_REDIS_ADDRESS"})
    if (has_options && environment_of(head, variable)) twice(environment, variable);
  if (!has_options && !is_true_word(annotation) && environment_of(head, "RAY_REDIS_ADDRESS"))
    findings.error(Rule::FaultToleranceImplied, environment,
                   "RAY_REDIS_ADDRESS switches GCS fault tolerance on",
                   "write gcsFaultToleranceOptions instead");
}

void check_redis_user(const Json& spec, const Path& path, Findings& findings) {
  const Json& head = at_or_null(spec, {"headGroupSpec"});
  const Path head_path = path / "headGroupSpec";
  const std::string write = "write gcsFaultToleranceOptions.redisUsername instead";
  if (!text_at(head, {"rayStartParams", "redis-username"}).empty())
    findings.error(Rule::FaultToleranceImplied, head_path / "rayStartParams" / "redis-username",
                   "redis-username is a start parameter", write);
  if (environment_of(head, "REDIS_USERNAME"))
    findings.error(Rule::FaultToleranceImplied,
                   head_path / "template" / "spec" / "containers" / 0 / "env",
                   "REDIS_USERNAME is a variable of the head", write);
}

void check_backend(const Json& options, const Path& path, Findings& findings) {
  const bool embedded = text_at(options, {"backend"}) == "rocksdb";
  const auto misfit = [&](const char* field, const std::string& backend) {
    if (find(options, {field}))
      findings.error(Rule::FaultToleranceSettings, path / field,
                     std::string(field) + " does not go with the backend " + backend, "remove it");
  };
  if (!embedded) return misfit("storage", "redis");
  for (const char* field :
       {"redisAddress", "redisUsername", "redisPassword", "externalStorageNamespace"})
    misfit(field, "rocksdb");
  const Json& storage = at_or_null(options, {"storage"});
  if (text_at(storage, {"claimName"}).empty()) return;
  for (const char* field : {"size", "storageClassName", "accessModes"})
    if (find(storage, {field}))
      findings.error(Rule::FaultToleranceSettings, path / "storage" / field,
                     std::string(field) + " does not go with claimName", "keep one of the two");
}

}  // namespace

void check_fault_tolerance(const nlohmann::json& spec, const Path& path,
                           const nlohmann::json& metadata, Findings& findings) {
  check_older_ways(spec, path, metadata, findings);
  check_redis_user(spec, path, findings);
  if (const Json* options = find(spec, {"gcsFaultToleranceOptions"}))
    check_backend(*options, path / "gcsFaultToleranceOptions", findings);
}

}  // namespace ray_gitops
