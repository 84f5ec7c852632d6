#include "agent/local_cluster/kubelet/supervisor_state.h"

#include <nlohmann/json.hpp>

#include "agent/local_cluster/kubelet/json_access.h"
#include "reconcilers/model/document.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json to_json(const ContainerState& container) {
  json value = {{"name", container.name},
                {"init", container.is_init},
                {"phase", static_cast<int>(container.phase)},
                {"reason", container.reason},
                {"message", container.message},
                {"startedAt", container.started_at.milliseconds},
                {"restartCount", container.restart_count}};
  if (!container.termination) return value;
  const Termination& end = *container.termination;
  value["termination"] = {{"exitCode", end.exit_code},
                          {"signal", end.signal},
                          {"reason", end.reason},
                          {"message", end.message},
                          {"startedAt", end.started_at.milliseconds},
                          {"finishedAt", end.finished_at.milliseconds}};
  return value;
}

WallTime parse_time(const json& value) { return {integer(value)}; }

ContainerState parse_container(const json& value) {
  ContainerState container;
  container.name = text(member(value, "name"));
  container.is_init = boolean(member(value, "init"));
  container.phase = static_cast<ContainerPhase>(integer(member(value, "phase")));
  container.reason = text(member(value, "reason"));
  container.message = text(member(value, "message"));
  container.started_at = parse_time(member(value, "startedAt"));
  container.restart_count = integer(member(value, "restartCount"));
  const json& end = member(value, "termination");
  if (!end.is_object()) return container;
  container.termination = Termination{static_cast<int>(integer(member(end, "exitCode"))),
                                      static_cast<int>(integer(member(end, "signal"))),
                                      text(member(end, "reason")),
                                      text(member(end, "message")),
                                      parse_time(member(end, "startedAt")),
                                      parse_time(member(end, "finishedAt"))};
  return container;
}

}  // namespace

std::string render_pod_state(const PodState& state) {
  json containers = json::array();
  for (const ContainerState& container : state.containers) {
    containers.push_back(to_json(container));
  }
  return dump({{"startedAt", state.started_at.milliseconds},
               {"stopping", state.stopping},
               {"finished", state.finished},
               {"problem", state.problem},
               {"containers", std::move(containers)}});
}

Result<PodState> parse_pod_state(std::string_view json_text) {
  const Document document = TRY(Document::parse(json_text));
  const json& value = document.json();
  PodState state;
  state.started_at = parse_time(member(value, "startedAt"));
  state.stopping = boolean(member(value, "stopping"));
  state.finished = boolean(member(value, "finished"));
  state.problem = text(member(value, "problem"));
  for (const json& entry : elements(member(value, "containers"))) {
    state.containers.push_back(parse_container(entry));
  }
  return state;
}

std::string render_identity(const ProcessIdentity& identity) {
  return dump(
      {{"pid", identity.pid}, {"startTicks", identity.start_ticks}, {"bootId", identity.boot_id}});
}

Result<ProcessIdentity> parse_identity(std::string_view json_text) {
  const Document document = TRY(Document::parse(json_text));
  const json& value = document.json();
  ProcessIdentity identity;
  identity.pid = static_cast<pid_t>(integer(member(value, "pid")));
  identity.start_ticks = static_cast<std::uint64_t>(integer(member(value, "startTicks")));
  identity.boot_id = text(member(value, "bootId"));
  if (identity.pid <= 0 || identity.boot_id.empty()) {
    return fail(ErrorCode::InvalidInput, "the file does not name a process");
  }
  return identity;
}

}  // namespace ray_gitops::local_cluster
