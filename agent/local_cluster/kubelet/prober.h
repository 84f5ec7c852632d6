#pragma once
// Sends probes and tells their answers, without ever blocking: HTTP and TCP from this host to the
// pod's address, commands through the pod's supervisor.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/local_cluster/kubelet/pod_directory.h"
#include "agent/local_cluster/kubelet/probe.h"

struct event_base;

namespace ray_gitops::local_cluster {

// Of an answer that is looked at: the status line, or a supervisor's answer.
constexpr std::size_t k_probe_answer_bytes_max = 64UL * 1024;

struct ProbeTarget {
  std::string address;     // of the pod
  PodDirectory directory;  // for commands
  std::string container;
};

// Called once, never from send(): whether it succeeded, and what was wrong.
using ProbeHandler = std::function<void(bool success, const std::string& message)>;

class Prober {
 public:
  explicit Prober(event_base* base);
  ~Prober();  // what is on its way is dropped; no handler is called
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  void send(const ProbeSpec& spec, const ProbeTarget& target, ProbeHandler handler);

 private:
  struct Exchange;
  void finish(std::uint64_t id, bool success, const std::string& message);

  event_base* base_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Exchange>> exchanges_;
};

}  // namespace ray_gitops::local_cluster
