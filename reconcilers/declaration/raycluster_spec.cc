#include "reconcilers/declaration/raycluster_spec.h"

#include <algorithm>

#include "reconcilers/declaration/json_access.h"
#include "reconcilers/model/digest.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

std::string hash_of(const Json& json) { return stored_hash(Document(json).canonical()); }

void copy_member(const Json& from, const char* key, Json& to) {
  if (const Json* value = find(from, {key})) to[key] = *value;
}

bool asks_for_token(const Json& document) {
  return text_at(document, {"spec", "authOptions", "mode"}) == "token";
}

std::string template_hash_of(const Json& document, const Json& group) {
  Json hashed = Json::object();
  for (const char* key : {"template", "rayStartParams", "resources", "labels", "numOfHosts"})
    copy_member(group, key, hashed);
  copy_member(at_or_null(document, {"spec"}), "rayVersion", hashed);
  if (overwrites_command(document)) hashed["overwriteContainerCommand"] = true;
  if (asks_for_token(document))
    hashed["tokenSecret"] = text_at(document, {"spec", "authOptions", "secretName"});
  return hash_of(hashed);
}

std::string runtime_hash_of(const Json& document, const Json& group) {
  Json hashed = {{"image", ray_image_of(group)}};
  copy_member(at_or_null(document, {"spec"}), "rayVersion", hashed);
  return hash_of(hashed);
}

GroupSpec make_group(const Json& document, const Json& group) {
  GroupSpec spec;
  spec.pod_template = Document(at_or_null(group, {"template"}));
  spec.ray_start_params = texts_at(group, {"rayStartParams"});
  spec.resources = texts_at(group, {"resources"});
  spec.labels = texts_at(group, {"labels"});
  spec.suspend = flag_at(group, {"suspend"});
  spec.template_hash = template_hash_of(document, group);
  spec.runtime_hash = runtime_hash_of(document, group);
  return spec;
}

GroupSpec make_head(const Json& document) {
  GroupSpec head = make_group(document, at_or_null(document, {"spec", "headGroupSpec"}));
  head.replicas = head.min_replicas = head.max_replicas = 1;
  return head;
}

GroupSpec make_worker(const Json& document, const Json& group) {
  GroupSpec worker = make_group(document, group);
  const Scale scale = scale_of(group);
  worker.name = text_at(group, {"groupName"});
  worker.replicas = scale.replicas;
  worker.min_replicas = scale.min;
  worker.max_replicas = scale.max;
  worker.hosts = integer_at(group, {"numOfHosts"}, 1);
  worker.priority = integer_at(group, {"priority"}, 0);
  if (!at_or_null(group, {"idleTimeoutSeconds"}).is_null())
    worker.idle_timeout = std::chrono::seconds(integer_at(group, {"idleTimeoutSeconds"}, 0));
  return worker;
}

}  // namespace

Scale scale_of(const nlohmann::json& worker_group) {
  Scale scale;
  scale.min = integer_at(worker_group, {"minReplicas"}, scale.min);
  scale.max = integer_at(worker_group, {"maxReplicas"}, scale.max);
  const std::int64_t wanted = integer_at(worker_group, {"replicas"}, scale.min);
  scale.replicas = std::min(std::max(wanted, scale.min), scale.max);
  return scale;
}

std::string ray_image_of(const nlohmann::json& group) {
  const Json& containers = at_or_null(group, {"template", "spec", "containers"});
  return containers.empty() ? std::string() : text_at(containers.front(), {"image"});
}

std::optional<std::string> environment_of(const nlohmann::json& group, const char* name) {
  const Json& containers = at_or_null(group, {"template", "spec", "containers"});
  if (containers.empty()) return std::nullopt;
  for (const Json& entry : at_or_null(containers.front(), {"env"}))
    if (text_at(entry, {"name"}) == name) return text_at(entry, {"value"});
  return std::nullopt;
}

bool overwrites_command(const nlohmann::json& document) {
  return is_true_word(
      text_at(document, {"metadata", "annotations", "ray.io/overwrite-container-cmd"}));
}

RayClusterSpec make_raycluster_spec(const nlohmann::json& document) {
  const Json& spec = at_or_null(document, {"spec"});
  RayClusterSpec cluster;
  cluster.ray_version = text_at(spec, {"rayVersion"});
  cluster.suspend = flag_at(spec, {"suspend"});
  cluster.overwrite_container_command = overwrites_command(document);
  cluster.autoscaling = flag_at(spec, {"enableInTreeAutoscaling"});
  cluster.token_auth = asks_for_token(document);
  if (cluster.token_auth) cluster.token_secret = text_at(spec, {"authOptions", "secretName"});
  if (text_at(spec, {"autoscalerOptions", "upscalingMode"}) == "Conservative")
    cluster.upscaling = UpscalingMode::Conservative;
  cluster.idle_timeout =
      std::chrono::seconds(integer_at(spec, {"autoscalerOptions", "idleTimeoutSeconds"},
                                      cluster.idle_timeout / std::chrono::seconds(1)));
  cluster.head = make_head(document);
  for (const Json& group : at_or_null(spec, {"workerGroupSpecs"}))
    cluster.workers.push_back(make_worker(document, group));
  cluster.service_type = text_at(spec, {"headGroupSpec", "serviceType"});
  cluster.head_service_annotations = texts_at(spec, {"headServiceAnnotations"});
  cluster.head_service = Document(at_or_null(spec, {"headGroupSpec", "headService"}));
  return cluster;
}

std::string compute_spec_hash(const nlohmann::json& document) {
  Json hashed = document;
  hashed.erase("apiVersion");
  hashed.erase("status");
  if (const auto metadata = hashed.find("metadata");
      metadata != hashed.end() && metadata->is_object())
    metadata->erase("namespace");
  return hash_of(hashed);
}

}  // namespace ray_gitops
