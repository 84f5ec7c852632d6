#pragma once
// Process 1 of a pod's PID namespace: starts its containers, keeps their output, restarts them by
// the pod's policy, stops them, reaps what is left to it and tells it all in state.json. It needs
// no kubelet.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/local_cluster/kubelet/container_process.h"
#include "agent/local_cluster/kubelet/control.h"
#include "agent/local_cluster/kubelet/log_file.h"
#include "agent/local_cluster/kubelet/pod_directory.h"
#include "agent/local_cluster/kubelet/process_plan.h"
#include "agent/local_cluster/kubelet/restart.h"
#include "agent/local_cluster/kubelet/supervisor_state.h"

namespace ray_gitops::local_cluster {

// Commands inside of containers at the same time (probes, preStop).
constexpr std::size_t k_executions_max = 32;
constexpr std::size_t k_connections_max = 64;

class PodInit {
 public:
  PodInit(PodProcessPlan plan, PodDirectory directory);

  // Until no container runs or will run again, then nothing of the pod is left but this process.
  // SIGTERM stops the pod with its grace period. An Error is about what kept it from beginning.
  Result<void> run();

 private:
  struct Container {
    const ContainerPlan* plan = nullptr;
    ContainerState state;
    RestartBackoff backoff;
    std::optional<ContainerProcess> process;
    std::unique_ptr<LogFile> log;
    Instant started;                  // of the current run
    std::optional<Instant> start_at;  // it is to be started then
    std::optional<Instant> kill_at;   // it has been asked to stop
    std::string stop_reason;          // a sentence, when the kubelet asked for it
    std::int64_t runs = 0;
  };
  struct Connection {
    FileDescriptor socket;
    std::string input;
    bool executing = false;
  };
  struct Execution {
    ContainerProcess process;
    std::optional<Instant> deadline;  // until it has passed
    std::string output;
    int connection = -1;       // who waits for the answer, or
    bool is_pre_stop = false;  // SIGTERM for the container follows
    std::size_t container = 0;
  };

  Result<void> begin();
  void turn();  // one turn of the loop: wait, then handle what happened
  int wait_milliseconds() const;
  void handle_signals();
  void handle_connections(const std::vector<int>& ready);
  void read_outputs();
  void handle_timers();

  void reap();
  void start_container_run(Container& container);
  void end_container_run(Container& container, Termination termination);
  void handle_exit(Container& container, int status);
  void schedule_restart(Container& container, Duration ran);
  void start_after(const Container& init_container);
  void stop_pod(std::int64_t grace_seconds);
  void stop_container(std::size_t index, std::int64_t grace_seconds, const std::string& reason);
  void handle_request(int socket, const std::string& line);
  void execute(int socket, const ControlRequest& request);
  void finish_execution(Execution& execution, int status);
  void answer(int socket, const ControlAnswer& answer);
  std::optional<std::size_t> find_container(const std::string& name) const;
  bool is_finished() const;
  void write_state();

  PodProcessPlan plan_;
  PodDirectory directory_;
  PodState state_;  // without its containers
  std::string written_state_;
  std::vector<Container> containers_;  // init containers first
  std::map<int, Connection> connections_;
  std::map<pid_t, Execution> executions_;
  FileDescriptor signals_;
  FileDescriptor listener_;
};

}  // namespace ray_gitops::local_cluster
