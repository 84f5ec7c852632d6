#pragma once
// What a supervisor tells about its pod: the files `supervisor.json` (who it is) and `state.json`
// (how its containers are) in the pod's directory.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/local_cluster/kubelet/process.h"
#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::local_cluster {

enum class ContainerPhase : std::uint8_t { Waiting, Running, Terminated };

struct Termination {
  int exit_code = 0;
  int signal = 0;      // that ended it, or 0
  std::string reason;  // Completed, Error, StartError
  std::string message;
  WallTime started_at;
  WallTime finished_at;
};

struct ContainerState {
  std::string name;
  bool is_init = false;
  ContainerPhase phase = ContainerPhase::Waiting;
  std::string reason;   // of Waiting: PodInitializing, ContainerCreating, CrashLoopBackOff
  std::string message;  // of Waiting
  WallTime started_at;  // of Running
  std::int64_t restart_count = 0;
  std::optional<Termination> termination;  // the current one of Terminated, else the last one
};

struct PodState {
  WallTime started_at;
  bool stopping = false;
  bool finished = false;  // every process is gone and none will start
  std::string problem;    // why the supervisor could not run the pod at all, or empty
  std::vector<ContainerState> containers;  // init containers first
};

std::string render_pod_state(const PodState& state);
Result<PodState> parse_pod_state(std::string_view json);

std::string render_identity(const ProcessIdentity& identity);
Result<ProcessIdentity> parse_identity(std::string_view json);

}  // namespace ray_gitops::local_cluster
