#include "agent/local_cluster/kubelet/status.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/kubelet/json_access.h"
#include "agent/local_cluster/kubelet/restart.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

const ContainerState* find_state(const PodFacts& facts, const std::string& name) {
  if (!facts.state) return nullptr;
  for (const ContainerState& container : facts.state->containers) {
    if (container.name == name) return &container;
  }
  return nullptr;
}

json terminated(const Termination& end) {
  json value = {{"exitCode", end.exit_code},
                {"reason", end.reason},
                {"startedAt", to_rfc3339(end.started_at)},
                {"finishedAt", to_rfc3339(end.finished_at)}};
  if (end.signal != 0) value["signal"] = end.signal;
  if (!end.message.empty()) value["message"] = end.message;
  return {{"terminated", std::move(value)}};
}

json waiting(const std::string& reason, const std::string& message) {
  json value = {{"reason", reason}};
  if (!message.empty()) value["message"] = message;
  return {{"waiting", std::move(value)}};
}

// Of a container that no supervisor knows (yet).
json unknown_state(const PodFacts& facts, bool has_init, bool is_init) {
  if (facts.problem) return waiting(facts.problem->reason, facts.problem->message);
  return waiting(has_init && !is_init ? "PodInitializing" : "ContainerCreating", "");
}

json state_of(const ContainerState& container) {
  switch (container.phase) {
    case ContainerPhase::Running:
      return {{"running", {{"startedAt", to_rfc3339(container.started_at)}}}};
    case ContainerPhase::Terminated:
      if (container.termination) return terminated(*container.termination);
      break;
    case ContainerPhase::Waiting:
      break;
  }
  return waiting(container.reason, container.message);
}

// As Kubernetes has it for containers that were lost sight of while they ran.
json state_after_end(const PodEnd& end, const ContainerState& container) {
  return {{"terminated",
           {{"exitCode", 137},
            {"reason", "ContainerStatusUnknown"},
            {"message", end.message},
            {"startedAt", to_rfc3339(container.started_at)},
            {"finishedAt", nullptr}}}};
}

bool is_ready(const PodFacts& facts, const ContainerState& container) {
  if (facts.end) return false;
  if (container.is_init) {
    return container.phase == ContainerPhase::Terminated && container.termination &&
           container.termination->exit_code == 0;
  }
  const auto readiness = facts.readiness.find(container.name);
  return container.phase == ContainerPhase::Running && readiness != facts.readiness.end() &&
         readiness->second.ready;
}

json container_status(const PodFacts& facts, const json& spec, bool has_init, bool is_init) {
  const std::string name = text(member(spec, "name"));
  json status = {{"name", name},    {"image", text(member(spec, "image"))},
                 {"imageID", ""},   {"lastState", json::object()},
                 {"ready", false},  {"restartCount", 0},
                 {"started", false}};
  const ContainerState* container = find_state(facts, name);
  if (container == nullptr) {
    status["state"] = unknown_state(facts, has_init, is_init);
    return status;
  }
  const bool is_unknown = facts.end && container->phase == ContainerPhase::Running;
  status["state"] = is_unknown ? state_after_end(*facts.end, *container) : state_of(*container);
  status["restartCount"] = container->restart_count;
  status["ready"] = is_ready(facts, *container);
  const auto readiness = facts.readiness.find(name);
  status["started"] = container->phase == ContainerPhase::Running &&
                      (readiness == facts.readiness.end() || readiness->second.started);
  if (container->phase != ContainerPhase::Terminated && container->termination) {
    status["lastState"] = terminated(*container->termination);
  }
  return status;
}

bool succeeded(const ContainerState& container) {
  return container.phase == ContainerPhase::Terminated && container.termination &&
         container.termination->exit_code == 0;
}

bool all_initialized(const PodFacts& facts, bool has_init) {
  if (!has_init) return true;
  if (!facts.state) return false;
  return std::all_of(facts.state->containers.begin(), facts.state->containers.end(),
                     [](const ContainerState& each) { return !each.is_init || succeeded(each); });
}

// Kubernetes' getPhase: Running from when every container has started once; Succeeded and Failed
// only when none will run again.
std::string phase_of(const PodFacts& facts) {
  if (facts.end) return "Failed";
  if (!facts.state) return "Pending";
  const auto& containers = facts.state->containers;
  if (facts.state->finished) {
    const bool all = std::all_of(containers.begin(), containers.end(), succeeded);
    return all && !containers.empty() ? "Succeeded" : "Failed";
  }
  const bool all_started =
      std::all_of(containers.begin(), containers.end(), [](const ContainerState& each) {
        return each.is_init || each.phase != ContainerPhase::Waiting || each.termination;
      });
  const bool initialized = all_initialized(facts, true);
  return all_started && initialized ? "Running" : "Pending";
}

struct Verdict {
  bool holds = false;
  std::string reason;
  std::string message;
};

// A condition, with the time of its last change taken over from the present status.
json condition(const PodFacts& facts, const std::string& type, const Verdict& verdict) {
  const std::string status = verdict.holds ? "True" : "False";
  json value = {{"type", type},
                {"status", status},
                {"lastProbeTime", nullptr},
                {"lastTransitionTime", to_rfc3339(facts.now)}};
  if (!verdict.reason.empty()) value["reason"] = verdict.reason;
  if (!verdict.message.empty()) value["message"] = verdict.message;
  for (const json& old : elements(member(facts.pod, "status", "conditions"))) {
    const bool same = text(member(old, "type")) == type && text(member(old, "status")) == status;
    const std::string since = text(member(old, "lastTransitionTime"));
    if (same && !since.empty()) value["lastTransitionTime"] = since;
  }
  return value;
}

std::string join_unready(const PodFacts& facts, const json& statuses) {
  std::string names;
  std::string reasons;
  for (const json& status : statuses) {
    if (boolean(member(status, "ready"))) continue;
    const std::string name = text(member(status, "name"));
    names += (names.empty() ? "" : " ") + name;
    const auto readiness = facts.readiness.find(name);
    if (readiness != facts.readiness.end() && !readiness->second.why_not.empty()) {
      reasons += "; " + name + ": " + readiness->second.why_not;
    }
  }
  return "containers with unready status: [" + names + "]" + reasons;
}

json conditions_of(const PodFacts& facts, const std::string& phase, const json& statuses,
                   bool has_init) {
  Verdict scheduled{facts.waits_for.empty(), "", ""};
  if (!scheduled.holds) scheduled = {false, "WaitingForCore", facts.waits_for};
  Verdict initialized{scheduled.holds && all_initialized(facts, has_init), "", ""};
  if (!initialized.holds) initialized.reason = "ContainersNotInitialized";
  Verdict ready{true, "", ""};
  for (const json& status : statuses) ready.holds = ready.holds && boolean(member(status, "ready"));
  if (phase == "Succeeded") {
    ready = {false, "PodCompleted", ""};
  } else if (phase == "Failed") {
    ready = {false, "PodFailed", ""};
  } else if (!ready.holds) {
    ready = {false, "ContainersNotReady", join_unready(facts, statuses)};
  }
  return json::array(
      {condition(facts, "PodScheduled", scheduled), condition(facts, "Initialized", initialized),
       condition(facts, "ContainersReady", ready), condition(facts, "Ready", ready)});
}

}  // namespace

json compute_pod_status(const PodFacts& facts) {
  const json& spec = member(facts.pod, "spec");
  const json& init_specs = elements(member(spec, "initContainers"));
  const bool has_init = !init_specs.empty();
  json init_statuses = json::array();
  for (const json& each : init_specs) {
    init_statuses.push_back(container_status(facts, each, has_init, true));
  }
  json statuses = json::array();
  for (const json& each : elements(member(spec, "containers"))) {
    statuses.push_back(container_status(facts, each, has_init, false));
  }
  const std::string phase = phase_of(facts);
  json status = {{"phase", phase},
                 {"conditions", conditions_of(facts, phase, statuses, has_init)},
                 {"containerStatuses", std::move(statuses)}};
  const std::string quality = text(member(facts.pod, "status", "qosClass"));
  if (!quality.empty()) status["qosClass"] = quality;
  if (has_init) status["initContainerStatuses"] = std::move(init_statuses);
  if (!facts.waits_for.empty()) return status;
  status["hostIP"] = facts.host_address;
  const std::string started_before = text(member(facts.pod, "status", "startTime"));
  status["startTime"] = started_before.empty() ? to_rfc3339(facts.now) : started_before;
  if (!facts.address.empty()) {
    status["podIP"] = facts.address;
    status["podIPs"] = json::array({{{"ip", facts.address}}});
  }
  if (facts.end) {
    status["reason"] = facts.end->reason;
    status["message"] = facts.end->message;
  }
  return status;
}

bool is_over(const json& pod) {
  const std::string phase = text(member(pod, "status", "phase"));
  return phase == "Succeeded" || phase == "Failed";
}

bool has_condition(const json& pod, const std::string& type) {
  for (const json& each : elements(member(pod, "status", "conditions"))) {
    if (text(member(each, "type")) == type) return text(member(each, "status")) == "True";
  }
  return false;
}

}  // namespace ray_gitops::local_cluster
