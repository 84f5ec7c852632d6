#include "agent/local_cluster/kubelet/process_plan.h"

#include <nlohmann/json.hpp>

#include "agent/local_cluster/kubelet/json_access.h"
#include "reconcilers/model/document.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

json to_json(const std::vector<std::string>& texts) { return json(texts); }

std::vector<std::string> parse_texts(const json& value) {
  std::vector<std::string> result;
  for (const json& entry : elements(value)) result.push_back(text(entry));
  return result;
}

json to_json(const VolumePlan& volume) {
  json files = json::array();
  for (const VolumeFile& file : volume.files) {
    // Bytes of a Secret need not be UTF-8.
    const std::vector<std::uint8_t> bytes(file.content.begin(), file.content.end());
    files.push_back({{"path", file.path}, {"bytes", bytes}, {"mode", file.mode}});
  }
  return {{"name", volume.name},
          {"kind", static_cast<int>(volume.kind)},
          {"bytesMax", volume.bytes_max},
          {"files", std::move(files)}};
}

VolumePlan parse_volume(const json& value) {
  VolumePlan volume;
  volume.name = text(member(value, "name"));
  volume.kind = static_cast<VolumeKind>(integer(member(value, "kind")));
  volume.bytes_max = integer(member(value, "bytesMax"));
  for (const json& entry : elements(member(value, "files"))) {
    VolumeFile file;
    file.path = text(member(entry, "path"));
    file.mode = static_cast<int>(integer(member(entry, "mode")));
    for (const json& byte : elements(member(entry, "bytes"))) {
      file.content.push_back(static_cast<char>(integer(byte)));
    }
    volume.files.push_back(std::move(file));
  }
  return volume;
}

json to_json(const ContainerPlan& container) {
  json environment = json::array();
  for (const auto& [name, value] : container.environment) {
    environment.push_back(json::array({name, value}));
  }
  json mounts = json::array();
  for (const MountPlan& mount : container.mounts) {
    mounts.push_back({{"volume", mount.volume},
                      {"path", mount.path},
                      {"subPath", mount.sub_path},
                      {"readOnly", mount.read_only}});
  }
  return {{"name", container.name},
          {"command", to_json(container.command)},
          {"environment", std::move(environment)},
          {"workingDirectory", container.working_directory},
          {"mounts", std::move(mounts)},
          {"rayEnvironment", container.ray_environment},
          {"preStop", to_json(container.pre_stop)},
          {"user", container.user},
          {"group", container.group}};
}

ContainerPlan parse_container(const json& value) {
  ContainerPlan container;
  container.name = text(member(value, "name"));
  container.command = parse_texts(member(value, "command"));
  for (const json& entry : elements(member(value, "environment"))) {
    const auto pair = parse_texts(entry);
    if (pair.size() == 2) container.environment.emplace_back(pair[0], pair[1]);
  }
  container.working_directory = text(member(value, "workingDirectory"));
  for (const json& entry : elements(member(value, "mounts"))) {
    container.mounts.push_back({text(member(entry, "volume")), text(member(entry, "path")),
                                text(member(entry, "subPath")),
                                boolean(member(entry, "readOnly"))});
  }
  container.ray_environment = text(member(value, "rayEnvironment"));
  container.pre_stop = parse_texts(member(value, "preStop"));
  container.user = static_cast<std::uint32_t>(integer(member(value, "user")));
  container.group = static_cast<std::uint32_t>(integer(member(value, "group")));
  return container;
}

template <class T>
json to_array(const std::vector<T>& values) {
  json result = json::array();
  for (const T& value : values) result.push_back(to_json(value));
  return result;
}

}  // namespace

std::string render_process_plan(const PodProcessPlan& plan) {
  const json document = {{"namespace", plan.ns},
                         {"name", plan.name},
                         {"uid", plan.uid},
                         {"hostname", plan.hostname},
                         {"restartPolicy", static_cast<int>(plan.restart_policy)},
                         {"graceSeconds", plan.grace_seconds},
                         {"volumeGroup", plan.volume_group ? json(*plan.volume_group) : json()},
                         {"hidden", to_json(plan.hidden)},
                         {"bridge", plan.network.bridge},
                         {"address", plan.network.address},
                         {"gateway", plan.network.gateway},
                         {"prefixLength", plan.network.prefix_length},
                         {"volumes", to_array(plan.volumes)},
                         {"initContainers", to_array(plan.init_containers)},
                         {"containers", to_array(plan.containers)}};
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<PodProcessPlan> parse_process_plan(std::string_view json_text) {
  const Document document = TRY(Document::parse(json_text));
  const json& value = document.json();
  PodProcessPlan plan;
  plan.ns = text(member(value, "namespace"));
  plan.name = text(member(value, "name"));
  plan.uid = text(member(value, "uid"));
  plan.hostname = text(member(value, "hostname"));
  plan.restart_policy = static_cast<RestartPolicy>(integer(member(value, "restartPolicy")));
  plan.grace_seconds = integer(member(value, "graceSeconds"), plan.grace_seconds);
  const json& group = member(value, "volumeGroup");
  if (group.is_number()) plan.volume_group = static_cast<std::uint32_t>(integer(group));
  plan.hidden = parse_texts(member(value, "hidden"));
  plan.network = {text(member(value, "bridge")), text(member(value, "address")),
                  text(member(value, "gateway")),
                  static_cast<int>(integer(member(value, "prefixLength")))};
  for (const json& entry : elements(member(value, "volumes"))) {
    plan.volumes.push_back(parse_volume(entry));
  }
  for (const json& entry : elements(member(value, "initContainers"))) {
    plan.init_containers.push_back(parse_container(entry));
  }
  for (const json& entry : elements(member(value, "containers"))) {
    plan.containers.push_back(parse_container(entry));
    if (plan.containers.back().command.empty()) {
      return fail(ErrorCode::InvalidInput, "a container of the process plan has no command");
    }
  }
  if (plan.uid.empty() || plan.containers.empty()) {
    return fail(ErrorCode::InvalidInput, "the process plan is incomplete");
  }
  return plan;
}

}  // namespace ray_gitops::local_cluster
