#include "agent/local_cluster/kubelet/pod_run.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/local_cluster/kubelet/control.h"
#include "agent/local_cluster/kubelet/hosts_file.h"
#include "agent/local_cluster/kubelet/json_access.h"
#include "agent/local_cluster/kubelet/pod_plan.h"
#include "agent/local_cluster/kubelet/start_order.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

constexpr Duration k_announcement_pause{5};

// In a session of its own, so that it outlives us.
Result<pid_t> spawn_supervisor(std::vector<std::string> command, const std::string& path) {
  command.push_back(path);
  return spawn_clean(command, nullptr, POSIX_SPAWN_SETSID);
}

bool is_supervised(const PodDirectory& directory) {
  const FileDescriptor lock(open(directory.lock().c_str(), O_RDWR | O_CLOEXEC));
  return lock.is_open() && flock(lock.get(), LOCK_EX | LOCK_NB) != 0;
}

// An earlier kubelet may have died right after it started the supervisor.
Result<ProcessIdentity> read_announcement(const PodDirectory& directory) {
  const auto until = std::chrono::steady_clock::now() + k_announcement_time_max;
  for (;;) {
    const auto file = read_file(directory.identity(), k_state_bytes_max);
    if (file) return parse_identity(*file);
    const bool may_come = is_supervised(directory) && std::chrono::steady_clock::now() < until;
    if (!may_come) return tl::unexpected(file.error());
    std::this_thread::sleep_for(k_announcement_pause);
  }
}

const json& find_container_spec(const json& pod, const std::string& name) {
  static const json none;
  for (const json& each : elements(member(pod, "spec", "containers"))) {
    if (text(member(each, "name")) == name) return each;
  }
  return none;
}

// Whether the status in the store says that this very run is ready.
bool was_ready(const json& pod, const ContainerState& container) {
  for (const json& each : elements(member(pod, "status", "containerStatuses"))) {
    const std::string since = text(member(member(each, "state"), "running", "startedAt"));
    if (text(member(each, "name")) == container.name && boolean(member(each, "ready"))) {
      return since == to_rfc3339(container.started_at);
    }
  }
  return false;
}

}  // namespace

PodRun::PodRun(StoreKey pod_key, std::string pod_uid, PodDirectory pod_directory)
    : key(std::move(pod_key)), uid(std::move(pod_uid)), directory(std::move(pod_directory)) {}

void PodRun::hold(FileDescriptor process, pid_t pid, Instant now) {
  process_ = std::move(process);
  pid_ = pid;
  launched_at_ = now;
}

Result<void> PodRun::launch(const PodProcessPlan& plan, const std::string& hosts,
                            const std::vector<std::string>& command, Instant now) {
  std::error_code failed;
  std::filesystem::remove_all(directory.path, failed);
  if (!failed) std::filesystem::create_directories(directory.path, failed);
  if (failed) return fail(ErrorCode::Unavailable, failed.message(), directory.path);
  if (chmod(directory.path.c_str(), 0700) != 0) return fail_with_errno(directory.path);
  TRY(write_file(directory.plan(), render_process_plan(plan)));
  TRY(write_in_place(directory.hosts(), hosts));
  written_hosts = hosts;
  const pid_t pid = TRY(spawn_supervisor(command, directory.path));
  const ProcessIdentity identity = TRY(read_identity(pid));
  FileDescriptor process = TRY(open_process(identity));
  hold(std::move(process), pid, now);
  return {};
}

Result<PodProcessPlan> PodRun::adopt(Instant now) {
  const std::string file = TRY(read_file(directory.plan(), k_plan_bytes_max));
  PodProcessPlan plan = TRY(parse_process_plan(file));
  const ProcessIdentity identity = TRY(read_announcement(directory));
  auto process = open_process(identity);
  launched_at_ = now;
  was_ready_ = true;  // it had its time to start
  if (process) hold(std::move(*process), identity.pid, now);
  read_state();
  if (const auto hosts = read_file(directory.hosts(), k_state_bytes_max)) written_hosts = *hosts;
  return plan;
}

void PodRun::stop(std::int64_t grace_seconds, Instant now) {
  const Instant deadline = now + std::chrono::seconds(grace_seconds);
  if (!is_running() || (stop_deadline_ && *stop_deadline_ <= deadline)) return;
  stop_deadline_ = deadline;
  kill_at_ = deadline + k_stop_margin;
  const auto sent = send_request(directory, {.verb = ControlVerb::Stop,
                                             .container = {},
                                             .reason = {},
                                             .grace_seconds = grace_seconds,
                                             .command = {},
                                             .timeout = Duration{0}});
  // It is still starting: it takes the signal once it listens.
  if (!sent) static_cast<void>(send_signal(process_, SIGTERM));
}

void PodRun::enforce_stop(Instant now) {
  if (!is_running() || !kill_at_ || now < *kill_at_) return;
  kill_at_.reset();
  static_cast<void>(send_signal(process_, SIGKILL));
}

void PodRun::note_end() {
  process_.reset();
  kill_at_.reset();
  waitpid(pid_, nullptr, WNOHANG);  // of a supervisor that another process started: no child, fine
  read_state();
}

void PodRun::read_state() {
  const auto file = read_file(directory.state(), k_state_bytes_max);
  auto parsed = file ? parse_pod_state(*file) : fail(ErrorCode::NotFound, "no state yet");
  if (parsed) state = std::move(*parsed);
  if (is_running()) return;
  if (end) return;
  if (!state || !state->finished) {
    end = PodEnd{"Lost",
                 "the pod's processes have ended without a word: its supervisor was killed or the "
                 "host was restarted"};
  } else if (!state->problem.empty()) {
    end = PodEnd{"SupervisorFailed", state->problem};
  }
}

void PodRun::update_probes(Now now) {
  const auto is_current = [&](const std::string& name, WallTime started_at) {
    return std::any_of(state->containers.begin(), state->containers.end(),
                       [&](const ContainerState& each) {
                         return each.name == name && each.phase == ContainerPhase::Running &&
                                each.started_at == started_at;
                       });
  };
  std::erase_if(containers, [&](const auto& entry) {
    return !is_running() || !state || !is_current(entry.first, entry.second.started_at);
  });
  if (!is_running() || !state) return;
  for (const ContainerState& each : state->containers) {
    if (each.is_init || each.phase != ContainerPhase::Running) continue;
    if (containers.contains(each.name)) continue;
    auto specs = parse_probes(find_container_spec(object.json(), each.name));
    const Instant started = now.monotonic + (each.started_at - now.wall);
    containers.emplace(each.name,
                       RunningContainer{each.started_at,
                                        ContainerProbes(specs ? std::move(*specs) : ProbeSpecs{},
                                                        started, was_ready(object.json(), each))});
  }
  const auto ready = readiness();
  const bool all =
      std::all_of(ready.begin(), ready.end(), [](const auto& entry) { return entry.second.ready; });
  if (all && !ready.empty()) was_ready_ = true;
}

std::map<std::string, ContainerReadiness> PodRun::readiness() const {
  std::map<std::string, ContainerReadiness> result;
  for (const auto& [name, container] : containers) {
    const ContainerProbes& probes = container.probes;
    result[name] = {probes.is_started(), probes.is_ready(), probes.last_failure()};
  }
  return result;
}

void PodRun::restart_failed() {
  for (auto& [name, container] : containers) {
    const auto reason = container.probes.take_restart();
    if (!reason) continue;
    static_cast<void>(send_request(directory, {.verb = ControlVerb::Kill,
                                               .container = name,
                                               .reason = *reason,
                                               .grace_seconds = grace_seconds_of(object.json()),
                                               .command = {},
                                               .timeout = Duration{0}}));
  }
}

std::optional<Instant> PodRun::next_deadline(Instant now) const {
  std::optional<Instant> next = kill_at_;
  // Then another Ray node may start.
  if (is_starting(now)) next = *launched_at_ + k_ray_start_time_max;
  if (kill_at_ && next) next = std::min(*next, *kill_at_);
  for (const auto& [name, container] : containers) {
    const auto due = container.probes.next_due();
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

bool PodRun::is_starting(Instant now) const {
  if (!is_running() || was_ready_ || !is_ray_node(object.json())) return false;
  return now - *launched_at_ < k_ray_start_time_max;
}

}  // namespace ray_gitops::local_cluster
