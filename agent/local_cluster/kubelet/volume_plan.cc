#include "agent/local_cluster/kubelet/volume_plan.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/kubelet/json_access.h"
#include "agent/local_cluster/kubelet/quantity.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

tl::unexpected<PlanProblem> not_supported(std::string message) {
  return tl::unexpected(PlanProblem{"NotSupported", std::move(message)});
}
tl::unexpected<PlanProblem> bad_config(std::string message) {
  return tl::unexpected(PlanProblem{"CreateContainerConfigError", std::move(message)});
}

// A path below a directory: not empty, not absolute, without "..".
bool stays_below(const std::string& path) {
  if (path.empty() || path.front() == '/') return false;
  const std::string framed = "/" + path + "/";
  return framed.find("/../") == std::string::npos;
}

int parse_mode(const json& value, int fallback) {
  return static_cast<int>(std::clamp<std::int64_t>(integer(value, fallback), 0, 0777));
}

PlanResult<VolumePlan> plan_empty_dir(VolumePlan volume, const json& source) {
  const std::string medium = text(member(source, "medium"));
  if (!medium.empty() && medium != "Memory") {
    return not_supported("emptyDir medium " + medium + " of volume " + volume.name);
  }
  if (medium != "Memory") return volume;
  volume.kind = VolumeKind::Memory;
  const std::string limit = text(member(source, "sizeLimit"), "0");
  const auto bytes = parse_bytes(limit);
  if (!bytes) return bad_config("sizeLimit " + limit + " of volume " + volume.name);
  volume.bytes_max = *bytes;
  return volume;
}

// The files of a ConfigMap or Secret volume: every key, or those of `items`.
PlanResult<VolumePlan> plan_files(VolumePlan volume, const json& source, const Document& object) {
  volume.kind = VolumeKind::Files;
  const int default_mode = parse_mode(member(source, "defaultMode"), 0644);
  const json& items = member(source, "items");
  const bool optional = boolean(member(source, "optional"));
  auto keys = read_keys(object);
  if (!keys) return bad_config("volume " + volume.name + ": " + keys.error().message);
  if (!items.is_array()) {
    for (auto& [key, content] : *keys) volume.files.push_back({key, content, default_mode});
    return volume;
  }
  for (const json& item : items) {
    const std::string key = text(member(item, "key"));
    const std::string path = text(member(item, "path"));
    const auto found = keys->find(key);
    if (found == keys->end() && optional) continue;
    if (found == keys->end()) return bad_config("volume " + volume.name + ": no key " + key);
    if (!stays_below(path)) return bad_config("volume " + volume.name + ": path " + path);
    volume.files.push_back({path, found->second, parse_mode(member(item, "mode"), default_mode)});
  }
  return volume;
}

PlanResult<VolumePlan> plan_object(VolumePlan volume, const std::string& plural,
                                   const std::string& name, const json& source,
                                   const FindObject& find) {
  const Document object = find(plural, name);
  if (!object.is_null()) return plan_files(std::move(volume), source, object);
  volume.kind = VolumeKind::Files;
  if (boolean(member(source, "optional"))) return volume;
  return bad_config("volume " + volume.name + ": there is no " + plural + "/" + name +
                    " in the namespace");
}

PlanResult<VolumePlan> plan_volume(const json& value, const FindObject& find) {
  VolumePlan volume;
  volume.name = text(member(value, "name"));
  if (const json& source = member(value, "configMap"); source.is_object()) {
    return plan_object(volume, "configmaps", text(member(source, "name")), source, find);
  }
  if (const json& source = member(value, "secret"); source.is_object()) {
    return plan_object(volume, "secrets", text(member(source, "secretName")), source, find);
  }
  for (const auto& [type, ignored] : value.items()) {
    if (type == "name" || type == "emptyDir") continue;
    return not_supported("the local cluster has no volumes of type " + type + " (volume " +
                         volume.name + "); it has emptyDir, configMap, secret");
  }
  return plan_empty_dir(std::move(volume), member(value, "emptyDir"));
}

}  // namespace

PlanResult<std::vector<VolumePlan>> plan_volumes(const json& pod, const FindObject& find) {
  std::vector<VolumePlan> result;
  for (const json& value : elements(member(pod, "spec", "volumes"))) {
    if (!value.is_object()) continue;
    auto volume = plan_volume(value, find);
    if (!volume) return tl::unexpected(volume.error());
    // It becomes a directory's name.
    if (!stays_below(volume->name) || volume->name.find('/') != std::string::npos) {
      return bad_config("volume name " + volume->name);
    }
    result.push_back(std::move(*volume));
  }
  return result;
}

PlanResult<std::vector<MountPlan>> plan_mounts(const json& container,
                                               const Environment& environment,
                                               const std::vector<VolumePlan>& volumes) {
  std::vector<MountPlan> result;
  const std::map<std::string, std::string> names(environment.begin(), environment.end());
  for (const json& value : elements(member(container, "volumeMounts"))) {
    MountPlan mount;
    mount.volume = text(member(value, "name"));
    mount.path = text(member(value, "mountPath"));
    mount.sub_path = text(member(value, "subPath"));
    if (const json& expression = member(value, "subPathExpr"); expression.is_string()) {
      mount.sub_path = expand_references(text(expression), names);
    }
    const auto volume = std::find_if(volumes.begin(), volumes.end(), [&](const VolumePlan& each) {
      return each.name == mount.volume;
    });
    if (volume == volumes.end()) return bad_config("there is no volume " + mount.volume);
    mount.read_only = boolean(member(value, "readOnly")) || volume->kind == VolumeKind::Files;
    if (!mount.path.starts_with('/')) mount.path = "/" + mount.path;
    if (!stays_below(mount.path.substr(1))) return bad_config("mountPath " + mount.path);
    if (!mount.sub_path.empty() && !stays_below(mount.sub_path)) {
      return bad_config("subPath " + mount.sub_path);
    }
    result.push_back(std::move(mount));
  }
  std::sort(result.begin(), result.end(), [](const MountPlan& left, const MountPlan& right) {
    return std::pair(left.path.size(), left.path) < std::pair(right.path.size(), right.path);
  });
  return result;
}

}  // namespace ray_gitops::local_cluster
