#include "reconcilers/declaration/rayjob_spec.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "reconcilers/declaration/json_access.h"
#include "reconcilers/declaration/owned_cluster.h"
#include "reconcilers/declaration/raycluster_spec.h"
#include "reconcilers/declaration/yaml_reader.h"
#include "reconcilers/manifest/labels.h"
#include "reconcilers/model/digest.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

// Left out of the run hash, because none of it reaches a pod that runs the job.
constexpr std::string_view k_apart_from_run[] = {"autoscalerOptions",
                                                 "enableInTreeAutoscaling",
                                                 "headServiceAnnotations",
                                                 "historyServerOptions",
                                                 "managedBy",
                                                 "networkPolicy",
                                                 "suspend",
                                                 "upgradeStrategy"};
constexpr std::string_view k_apart_from_run_of_head[] = {"enableIngress", "headService",
                                                         "ingressOptions", "serviceType"};
constexpr std::string_view k_apart_from_run_of_workers[] = {
    "idleTimeoutSeconds", "maxReplicas",   "minReplicas", "priority",
    "replicas",           "scaleStrategy", "suspend"};

template <class Names>
void erase_members(Json& object, const Names& names) {
  for (const std::string_view name : names) object.erase(std::string(name));
}

Json hashed_cluster_spec(Json spec) {
  erase_members(spec, k_apart_from_run);
  if (const auto head = spec.find("headGroupSpec"); head != spec.end())
    erase_members(*head, k_apart_from_run_of_head);
  const auto listed = spec.find("workerGroupSpecs");
  if (listed == spec.end()) return spec;
  Json by_name = Json::object();
  for (Json& group : *listed) {
    erase_members(group, k_apart_from_run_of_workers);
    const std::string name = text_at(group, {"groupName"});
    by_name[name] = std::move(group);
  }
  if (by_name.empty())
    spec.erase(listed);
  else
    *listed = std::move(by_name);
  return spec;
}

std::string run_hash_of(const Json& document, const std::string& cluster_selector) {
  const Json& spec = at_or_null(document, {"spec"});
  Json hashed = Json::object();
  for (const char* key : {"entrypoint", "runtimeEnvYAML", "metadata", "jobId", "entrypointNumCpus",
                          "entrypointNumGpus", "entrypointResources"})
    if (const Json* value = find(spec, {key})) hashed[key] = *value;
  if (const Json* run = find(document, {"metadata", "annotations", labels::k_run}))
    hashed["run"] = *run;
  if (!cluster_selector.empty()) {
    hashed["clusterSelector"] = cluster_selector;
  } else {
    hashed["rayClusterSpec"] = hashed_cluster_spec(at_or_null(spec, {"rayClusterSpec"}));
    if (overwrites_command(document)) hashed["overwriteContainerCommand"] = true;
  }
  return stored_hash(Document(std::move(hashed)).canonical());
}

Document runtime_env_of(const Json& spec) {
  const std::string text = text_at(spec, {"runtimeEnvYAML"});
  return text.empty() ? Document() : Document(read_yaml({text, 1}, "runtimeEnvYAML").root);
}

Document entrypoint_resources_of(const Json& spec) {
  return Document::parse(text_at(spec, {"entrypointResources"})).value_or(Document());
}

std::optional<double> amount_at(const Json& spec, const char* key) {
  const Json& amount = at_or_null(spec, {key});
  if (!amount.is_number() || amount.get<double>() <= 0) return std::nullopt;
  return amount.get<double>();
}

std::optional<Duration> seconds_at(const Json& spec, const char* key) {
  if (find(spec, {key}) == nullptr) return std::nullopt;
  return std::chrono::seconds(integer_at(spec, {key}, 0));
}

}  // namespace

RayJobSpec make_rayjob_spec(const nlohmann::json& document) {
  const Json& spec = at_or_null(document, {"spec"});
  RayJobSpec job;
  job.entrypoint = text_at(spec, {"entrypoint"});
  job.runtime_env = runtime_env_of(spec);
  job.metadata = texts_at(spec, {"metadata"});
  job.job_id = text_at(spec, {"jobId"});
  job.entrypoint_num_cpus = amount_at(spec, "entrypointNumCpus");
  job.entrypoint_num_gpus = amount_at(spec, "entrypointNumGpus");
  job.entrypoint_resources = entrypoint_resources_of(spec);
  job.cluster_selector = text_at(spec, {"clusterSelector", "ray.io/cluster"});
  if (job.cluster_selector.empty())
    job.cluster = owned_cluster_document(document, "rayClusterSpec");
  job.backoff_limit = static_cast<int>(integer_at(spec, {"backoffLimit"}, 0));
  job.active_deadline = seconds_at(spec, "activeDeadlineSeconds");
  job.pre_running_deadline = seconds_at(spec, "preRunningDeadlineSeconds");
  job.shutdown_after_finish = flag_at(spec, {"shutdownAfterJobFinishes"});
  job.ttl_after_finish = seconds_at(spec, "ttlSecondsAfterFinished").value_or(Duration{0});
  job.suspend = flag_at(spec, {"suspend"});
  job.run_hash = run_hash_of(document, job.cluster_selector);
  return job;
}

}  // namespace ray_gitops
