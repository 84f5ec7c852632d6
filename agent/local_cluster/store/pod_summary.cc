#include "agent/local_cluster/store/pod_summary.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/store/json_path.h"
#include "agent/local_cluster/store/store.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

bool has_state(const json& container, const char* state) {
  return at_path(container, {"state"}).contains(state);
}

// "Error", or "ExitCode:3" and "Signal:9" where the runtime gave no reason.
std::string termination_of(const json& container) {
  const json& ended = at_path(container, {"state", "terminated"});
  std::string reason = string_at(ended, {"reason"});
  if (!reason.empty()) return reason;
  const std::int64_t signal = integer_at(ended, {"signal"});
  return signal != 0 ? "Signal:" + std::to_string(signal)
                     : "ExitCode:" + std::to_string(integer_at(ended, {"exitCode"}));
}

// The first init container that is not done decides; empty when all are.
std::string init_status(const json& pod) {
  const json& statuses = at_path(pod, {"status", "initContainerStatuses"});
  std::size_t index = 0;
  for (const json& container : statuses) {
    const bool ended = has_state(container, "terminated");
    if (!ended || integer_at(container, {"state", "terminated", "exitCode"}) != 0) {
      if (ended) return "Init:" + termination_of(container);
      const std::string waiting = string_at(container, {"state", "waiting", "reason"});
      if (!waiting.empty() && waiting != "PodInitializing") return "Init:" + waiting;
      return "Init:" + std::to_string(index) + "/" +
             std::to_string(at_path(pod, {"spec", "initContainers"}).size());
    }
    ++index;
  }
  return {};
}

bool is_pod_ready(const json& pod) {
  const json& conditions = at_path(pod, {"status", "conditions"});
  return std::ranges::any_of(conditions, [](const json& condition) {
    return string_at(condition, {"type"}) == "Ready" && string_at(condition, {"status"}) == "True";
  });
}

// The last container in trouble decides, as it does for kubectl.
std::string container_status(const json& pod, const std::string& phase) {
  std::string status = phase;
  bool has_running = false;
  for (const json& container : at_path(pod, {"status", "containerStatuses"})) {
    const std::string waiting = string_at(container, {"state", "waiting", "reason"});
    if (!waiting.empty())
      status = waiting;
    else if (has_state(container, "terminated"))
      status = termination_of(container);
    else if (has_state(container, "running") && bool_at(container, {"ready"}))
      has_running = true;
  }
  if (status == "Completed" && has_running) return is_pod_ready(pod) ? "Running" : "NotReady";
  return status;
}

void count_containers(const json& pod, PodSummary& summary) {
  summary.containers = static_cast<std::int64_t>(at_path(pod, {"spec", "containers"}).size());
  for (const json& container : at_path(pod, {"status", "containerStatuses"})) {
    summary.restarts += integer_at(container, {"restartCount"});
    const bool ready = bool_at(container, {"ready"}) && has_state(container, "running");
    summary.ready_containers += ready ? 1 : 0;
    const auto ended =
        parse_rfc3339(string_at(container, {"lastState", "terminated", "finishedAt"}));
    if (ended && (!summary.last_restart || *ended > *summary.last_restart))
      summary.last_restart = ended;
  }
}

}  // namespace

PodSummary summarize_pod(const json& pod) {
  PodSummary summary;
  const std::string phase = string_at(pod, {"status", "phase"});
  const std::string reason = string_at(pod, {"status", "reason"});
  count_containers(pod, summary);
  summary.status = init_status(pod);
  if (summary.status.empty())
    summary.status = container_status(pod, reason.empty() ? phase : reason);
  const bool has_ended = phase == "Succeeded" || phase == "Failed";
  if (is_terminating(pod) && reason == "NodeLost")
    summary.status = "Unknown";
  else if (is_terminating(pod) && !has_ended)
    summary.status = "Terminating";
  return summary;
}

}  // namespace ray_gitops::local_cluster
