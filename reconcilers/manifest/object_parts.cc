#include "reconcilers/manifest/object_parts.h"

#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"

namespace ray_gitops {

using Json = nlohmann::json;

Json owner_reference(const OwnerFacts& owner) {
  return Json{{"apiVersion", "v1"},
              {"kind", "ConfigMap"},
              {"name", owner.anchor_name},
              {"uid", owner.anchor_uid},
              {"controller", true}};
}

Json head_selector(const std::string& cluster) {
  return Json{{labels::k_cluster, cluster},
              {labels::k_node_type, "head"},
              {labels::k_identifier, identifier_label(cluster + "-head")},
              {labels::k_app_name, "kuberay"},
              {labels::k_created_by, "kuberay-operator"}};
}

std::string text_member(const Json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

Json metadata_map(const Json& object, const char* part) {
  const Json::json_pointer path{std::string("/metadata/") + part};
  if (!object.is_object() || !object.contains(path) || !object.at(path).is_object())
    return Json::object();
  return object.at(path);
}

}  // namespace ray_gitops
