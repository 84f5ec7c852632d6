#pragma once
// Startup, readiness and liveness of one container, decided from probe answers (Kubernetes API,
// "Container probes").

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::local_cluster {

enum class ProbeKind : std::uint8_t { Startup, Readiness, Liveness };
const char* name_of(ProbeKind kind);

enum class ProbeAction : std::uint8_t { HttpGet, TcpSocket, Exec };

struct ProbeSpec {
  ProbeAction action = ProbeAction::Exec;
  std::string host;  // empty: the pod's address
  int port = 0;
  std::string path = "/";                      // HttpGet
  std::map<std::string, std::string> headers;  // HttpGet
  std::vector<std::string> command;            // Exec
  Duration initial_delay{0};
  Duration period{10'000};
  Duration timeout{1'000};
  std::int64_t success_threshold = 1;
  std::int64_t failure_threshold = 3;
};

using ProbeSpecs = std::map<ProbeKind, ProbeSpec>;

// The probes of a container. InvalidInput for an action that is not supported or a port name that
// the container does not have.
Result<ProbeSpecs> parse_probes(const nlohmann::json& container);

// One run of one container: make a new one when it is started again.
class ContainerProbes {
 public:
  // `was_ready`: an earlier kubelet had found this run started and ready; that holds until a probe
  // says otherwise.
  ContainerProbes(ProbeSpecs specs, Instant started_at, bool was_ready = false);

  // Probes to send now. Each counts as on its way until record() is called for it.
  std::vector<ProbeKind> take_due(Instant now);
  // When take_due() will have something; nullopt while nothing is to be sent.
  std::optional<Instant> next_due() const;
  void record(ProbeKind kind, bool success, const std::string& message, Instant now);

  const ProbeSpec& spec(ProbeKind kind) const { return specs_.at(kind); }
  bool is_started() const;
  bool is_ready() const;
  // Once, when startup or liveness has failed for good: the container is to be killed, with this
  // sentence.
  std::optional<std::string> take_restart();
  // Why it is not ready: the last failed answer, or empty.
  const std::string& last_failure() const { return last_failure_; }

 private:
  struct Progress {
    Instant due;
    bool in_flight = false;
    std::int64_t successes = 0;  // in a row
    std::int64_t failures = 0;
    bool holds = false;
  };

  bool is_active(ProbeKind kind) const;

  ProbeSpecs specs_;
  std::map<ProbeKind, Progress> progress_;
  bool gave_up_ = false;
  std::optional<std::string> restart_;
  std::string last_failure_;
};

}  // namespace ray_gitops::local_cluster
