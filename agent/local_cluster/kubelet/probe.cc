#include "agent/local_cluster/kubelet/probe.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/kubelet/json_access.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

// A number, a number as text, or the name of one of the container's ports.
Result<int> parse_port(const json& value, const json& container) {
  std::int64_t port = integer(value);
  const std::string name = text(value);
  if (!name.empty()) {
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), port);
    if (parsed.ec != std::errc{} || parsed.ptr != name.data() + name.size()) port = 0;
  }
  for (const json& entry : elements(member(container, "ports"))) {
    if (!name.empty() && text(member(entry, "name")) == name) {
      port = integer(member(entry, "containerPort"));
    }
  }
  if (port < 1 || port > 65535) {
    return fail(ErrorCode::InvalidInput, "a probe names no port of the container: " + value.dump());
  }
  return static_cast<int>(port);
}

Duration seconds(const json& value, std::int64_t fallback, std::int64_t at_least) {
  const std::int64_t count = std::clamp<std::int64_t>(integer(value, fallback), at_least, 86'400);
  return std::chrono::seconds(count);
}

Result<void> parse_action(const json& probe, const json& container, ProbeSpec& spec) {
  if (const json& http = member(probe, "httpGet"); http.is_object()) {
    if (text(member(http, "scheme"), "HTTP") != "HTTP") {
      return fail(ErrorCode::InvalidInput, "the local cluster has no HTTPS probes");
    }
    spec.action = ProbeAction::HttpGet;
    spec.path = text(member(http, "path"), "/");
    if (!spec.path.starts_with('/')) spec.path = "/" + spec.path;
    spec.host = text(member(http, "host"));
    spec.port = TRY(parse_port(member(http, "port"), container));
    for (const json& header : elements(member(http, "httpHeaders"))) {
      spec.headers[text(member(header, "name"))] = text(member(header, "value"));
    }
    return {};
  }
  if (const json& tcp = member(probe, "tcpSocket"); tcp.is_object()) {
    spec.action = ProbeAction::TcpSocket;
    spec.host = text(member(tcp, "host"));
    spec.port = TRY(parse_port(member(tcp, "port"), container));
    return {};
  }
  for (const json& word : elements(member(probe, "exec", "command"))) {
    spec.command.push_back(text(word));
  }
  if (!spec.command.empty()) return {};
  return fail(ErrorCode::InvalidInput,
              "the local cluster has only httpGet, tcpSocket, exec probes");
}

}  // namespace

const char* name_of(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::Startup:
      return "startup";
    case ProbeKind::Readiness:
      return "readiness";
    case ProbeKind::Liveness:
      return "liveness";
  }
  return "";
}

Result<ProbeSpecs> parse_probes(const json& container) {
  ProbeSpecs specs;
  for (const auto& [kind, field] : {std::pair{ProbeKind::Startup, "startupProbe"},
                                    std::pair{ProbeKind::Readiness, "readinessProbe"},
                                    std::pair{ProbeKind::Liveness, "livenessProbe"}}) {
    const json& probe = member(container, field);
    if (!probe.is_object()) continue;
    ProbeSpec spec;
    TRY(parse_action(probe, container, spec));
    spec.initial_delay = seconds(member(probe, "initialDelaySeconds"), 0, 0);
    spec.period = seconds(member(probe, "periodSeconds"), 10, 1);
    spec.timeout = seconds(member(probe, "timeoutSeconds"), 1, 1);
    spec.success_threshold =
        std::max<std::int64_t>(1, integer(member(probe, "successThreshold"), 1));
    spec.failure_threshold =
        std::max<std::int64_t>(1, integer(member(probe, "failureThreshold"), 3));
    specs.emplace(kind, std::move(spec));
  }
  return specs;
}

ContainerProbes::ContainerProbes(ProbeSpecs specs, Instant started_at, bool was_ready)
    : specs_(std::move(specs)) {
  for (const auto& [kind, spec] : specs_) {
    // Until it has answered, a container counts as alive but not as ready.
    progress_[kind] = {.due = started_at + spec.initial_delay,
                       .holds = was_ready || kind == ProbeKind::Liveness};
  }
}

bool ContainerProbes::is_active(ProbeKind kind) const {
  if (gave_up_) return false;
  return kind == ProbeKind::Startup ? !is_started() : is_started();
}

std::vector<ProbeKind> ContainerProbes::take_due(Instant now) {
  std::vector<ProbeKind> due;
  for (auto& [kind, progress] : progress_) {
    if (!is_active(kind) || progress.in_flight || now < progress.due) continue;
    progress.in_flight = true;
    due.push_back(kind);
  }
  return due;
}

std::optional<Instant> ContainerProbes::next_due() const {
  std::optional<Instant> next;
  for (const auto& [kind, progress] : progress_) {
    if (!is_active(kind) || progress.in_flight) continue;
    if (!next || progress.due < *next) next = progress.due;
  }
  return next;
}

void ContainerProbes::record(ProbeKind kind, bool success, const std::string& message,
                             Instant now) {
  const ProbeSpec& probe = specs_.at(kind);
  Progress& progress = progress_.at(kind);
  progress.in_flight = false;
  progress.due = now + probe.period;
  progress.successes = success ? progress.successes + 1 : 0;
  progress.failures = success ? 0 : progress.failures + 1;
  if (!success) last_failure_ = std::string(name_of(kind)) + " probe failed: " + message;
  if (progress.successes >= probe.success_threshold) progress.holds = true;
  if (progress.failures >= probe.failure_threshold) progress.holds = false;
  if (success && progress.holds) last_failure_.clear();
  if (progress.failures >= probe.failure_threshold && kind != ProbeKind::Readiness) {
    gave_up_ = true;
    restart_ = last_failure_;
  }
  if (kind != ProbeKind::Startup || !progress.holds) return;
  // Do not wait out the periods that began before the container had started.
  for (auto& [other, waiting] : progress_) {
    if (other != ProbeKind::Startup && waiting.due < now) waiting.due = now;
  }
}

std::optional<std::string> ContainerProbes::take_restart() {
  return std::exchange(restart_, std::nullopt);
}

bool ContainerProbes::is_started() const {
  const auto startup = progress_.find(ProbeKind::Startup);
  return startup == progress_.end() || startup->second.holds;
}

bool ContainerProbes::is_ready() const {
  if (!is_started()) return false;
  const auto readiness = progress_.find(ProbeKind::Readiness);
  return readiness == progress_.end() || readiness->second.holds;
}

}  // namespace ray_gitops::local_cluster
