#pragma once
// What the kubelet asks of a supervisor, over the socket `control` in the pod's directory: one JSON
// object a line, answered by one.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/local_cluster/kubelet/pod_directory.h"
#include "agent/local_cluster/kubelet/process.h"
#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::local_cluster {

enum class ControlVerb : std::uint8_t {
  Stop,  // the pod: SIGTERM to its main processes, SIGKILL to everything after the grace period
  Kill,  // one container, likewise; the restart policy decides what follows
  Exec   // a command inside of a running container
};

struct ControlRequest {
  ControlVerb verb = ControlVerb::Stop;
  std::string container;             // Kill, Exec
  std::string reason;                // Kill: a sentence for the container's status
  std::int64_t grace_seconds = 0;    // Stop, Kill
  std::vector<std::string> command;  // Exec
  Duration timeout{0};               // Exec
};

struct ControlAnswer {
  bool ok = false;
  int exit_code = 0;   // Exec
  std::string output;  // of Exec (at most k_exec_output_bytes_max), or why not ok
};

constexpr std::size_t k_control_line_bytes_max = 64UL * 1024;
constexpr std::size_t k_exec_output_bytes_max = 10UL * 1024;
constexpr Duration k_exec_time_max{600'000};

std::string render_request(const ControlRequest& request);  // with the line's end
Result<ControlRequest> parse_request(std::string_view line);
std::string render_answer(const ControlAnswer& answer);
Result<ControlAnswer> parse_answer(std::string_view line);

// Sockets work for directories of any path length. Non-blocking, closed on exec.
Result<FileDescriptor> listen_for_control(const PodDirectory& directory);
Result<FileDescriptor> connect_to_supervisor(const PodDirectory& directory);
// For requests whose answer nobody waits for. Unavailable when there is no supervisor.
Result<void> send_request(const PodDirectory& directory, const ControlRequest& request);

}  // namespace ray_gitops::local_cluster
