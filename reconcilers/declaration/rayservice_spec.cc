#include "reconcilers/declaration/rayservice_spec.h"

#include <chrono>
#include <string>
#include <utility>

#include "reconcilers/declaration/json_access.h"
#include "reconcilers/declaration/owned_cluster.h"
#include "reconcilers/declaration/raycluster_spec.h"
#include "reconcilers/declaration/yaml_reader.h"
#include "reconcilers/model/digest.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

std::string hash_of(Json json) { return stored_hash(Document(std::move(json)).canonical()); }

Json hashes_of(const GroupSpec& group) {
  return {{"templateHash", group.template_hash}, {"runtimeHash", group.runtime_hash}};
}

void set_cluster(RayServiceSpec& service, const Json& document) {
  service.cluster = owned_cluster_document(document, "rayClusterConfig");
  const RayClusterSpec cluster = make_raycluster_spec(service.cluster.json());
  Json head = hashes_of(cluster.head);
  head["rayVersion"] = cluster.ray_version;
  service.head_hash = hash_of(std::move(head));
  for (const GroupSpec& group : cluster.workers)
    service.group_hashes[group.name] = hash_of(hashes_of(group));
}

void set_serve_config(RayServiceSpec& service, const std::string& text) {
  if (text.empty()) return;
  service.serve_config = Document(read_yaml({text, 1}, "serveConfigV2").root);
  service.serve_config_digest = stored_hash(service.serve_config.canonical());
  for (const Json& application : at_or_null(service.serve_config.json(), {"applications"}))
    service.applications.insert(application_name(application));
}

}  // namespace

RayServiceSpec make_rayservice_spec(const nlohmann::json& document) {
  const Json& spec = at_or_null(document, {"spec"});
  RayServiceSpec service;
  set_cluster(service, document);
  set_serve_config(service, text_at(spec, {"serveConfigV2"}));
  service.serve_service = Document(at_or_null(spec, {"serveService"}));
  service.exclude_head = flag_at(spec, {"excludeHeadPodFromServeSvc"});
  service.replaces_cluster = text_at(spec, {"upgradeStrategy", "type"}) != "None";
  service.cluster_deletion_delay =
      std::chrono::seconds(integer_at(spec, {"rayClusterDeletionDelaySeconds"}, 60));
  service.suspend = flag_at(spec, {"suspend"});
  return service;
}

std::string application_name(const nlohmann::json& application) {
  const Json* name = find(application, {"name"});
  return name != nullptr && name->is_string() ? name->get<std::string>() : k_default_application;
}

}  // namespace ray_gitops
