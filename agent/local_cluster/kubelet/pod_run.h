#pragma once
// One pod as the kubelet has it: its object, its directory, its supervisor, its probes.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "agent/local_cluster/kubelet/pod_directory.h"
#include "agent/local_cluster/kubelet/probe.h"
#include "agent/local_cluster/kubelet/process.h"
#include "agent/local_cluster/kubelet/status.h"
#include "agent/local_cluster/kubelet/supervisor_state.h"
#include "agent/local_cluster/store/store.h"

namespace ray_gitops::local_cluster {

// After the grace period, for the supervisor to do what is left; then it is killed itself.
constexpr Duration k_stop_margin{5'000};
// A supervisor that was just started has written by then who it is.
constexpr Duration k_announcement_time_max{1'000};

struct RunningContainer {
  WallTime started_at;
  ContainerProbes probes;
};

class PodRun {
 public:
  PodRun(StoreKey key, std::string uid, PodDirectory directory);

  // Writes the pod's directory and starts its supervisor (`command` and the directory).
  Result<void> launch(const PodProcessPlan& plan, const std::string& hosts,
                      const std::vector<std::string>& command, Instant now);
  // Finds the supervisor of an earlier kubelet, or what it has left. NotFound: it never started.
  Result<PodProcessPlan> adopt(Instant now);
  // Asks the supervisor to stop the pod, again only to make it sooner.
  void stop(std::int64_t grace_seconds, Instant now);
  // Kills a supervisor that did not stop in time.
  void enforce_stop(Instant now);
  // The supervisor has ended: reaps it when it is ours.
  void note_end();
  void read_state();

  // Probes follow the containers' runs: new runs begin anew.
  void update_probes(Now now);
  std::map<std::string, ContainerReadiness> readiness() const;
  // Kills containers whose probes gave up; the supervisor restarts them by the pod's policy.
  void restart_failed();
  // When there is something to do for it at the latest.
  std::optional<Instant> next_deadline(Instant now) const;

  bool is_launched() const { return launched_at_.has_value(); }
  bool is_running() const { return process_.is_open(); }
  // A Ray node on its way to ready.
  bool is_starting(Instant now) const;

  StoreKey key;
  std::string uid;
  PodDirectory directory;
  Document object;
  std::string address;
  std::string waits_for;
  std::optional<PlanProblem> problem;
  std::optional<PodState> state;
  std::optional<PodEnd> end;
  std::map<std::string, RunningContainer> containers;
  std::string written_hosts;

  const FileDescriptor& process() const { return process_; }

 private:
  void hold(FileDescriptor process, pid_t pid, Instant now);

  FileDescriptor process_;  // pidfd of the supervisor while it lives
  pid_t pid_ = 0;
  std::optional<Instant> launched_at_;
  std::optional<Instant> stop_deadline_;
  std::optional<Instant> kill_at_;
  bool was_ready_ = false;
};

}  // namespace ray_gitops::local_cluster
