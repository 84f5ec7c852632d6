#include "agent/local_cluster/kubelet/pod_init.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/local_cluster/kubelet/clock.h"

namespace ray_gitops::local_cluster {
namespace {

constexpr int k_wait_max_milliseconds = 60'000;
constexpr int k_start_error_code = 128;  // as container runtimes report it

// What is there without waiting; false at the end of the stream.
template <class Sink>
bool read_available(int fd, const Sink& sink) {
  std::array<char, 16 * 1024> buffer{};
  for (;;) {
    const ssize_t size = read(fd, buffer.data(), buffer.size());
    if (size > 0) sink(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
    if (size == 0) return false;
    if (size < 0 && errno != EINTR) return errno == EAGAIN;
  }
}

Termination describe_exit(int status, WallTime started_at) {
  Termination end;
  end.started_at = started_at;
  end.finished_at = read_clocks().wall;
  end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  end.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  end.reason = end.exit_code == 0 ? "Completed" : "Error";
  return end;
}

std::string seconds_text(Duration delay) { return std::to_string(delay.count() / 1000) + "s"; }

}  // namespace

PodInit::PodInit(PodProcessPlan plan, PodDirectory directory)
    : plan_(std::move(plan)), directory_(std::move(directory)) {
  for (const auto* list : {&plan_.init_containers, &plan_.containers}) {
    for (const ContainerPlan& each : *list) {
      Container container;
      container.plan = &each;
      container.state.name = each.name;
      container.state.is_init = list == &plan_.init_containers;
      const bool waits = !plan_.init_containers.empty();
      container.state.reason = waits ? "PodInitializing" : "ContainerCreating";
      containers_.push_back(std::move(container));
    }
  }
}

Result<void> PodInit::run() {
  TRY(begin());
  while (!is_finished()) turn();
  // Nothing of the pod outlives it: process 1 of a PID namespace reaches everything in it.
  kill(-1, SIGKILL);
  while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
  state_.finished = true;
  write_state();
  return {};
}

Result<void> PodInit::begin() {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int number : {SIGCHLD, SIGTERM}) sigaddset(&watched, number);
  sigprocmask(SIG_BLOCK, &watched, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signals_ = FileDescriptor(signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_.is_open()) return fail_with_errno("signalfd");
  listener_ = TRY(listen_for_control(directory_));
  for (const Container& container : containers_) {
    std::error_code failed;
    std::filesystem::create_directories(directory_.logs(container.plan->name), failed);
    if (failed) return fail(ErrorCode::Unavailable, failed.message(), directory_.path);
  }
  state_.started_at = read_clocks().wall;
  for (Container& container : containers_) {
    const bool first = &container == &containers_.front();
    if (first || plan_.init_containers.empty()) container.start_at = read_clocks().monotonic;
  }
  handle_timers();
  write_state();
  return {};
}

void PodInit::turn() {
  std::vector<pollfd> waits = {{signals_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
  for (const auto& [socket, connection] : connections_) waits.push_back({socket, POLLIN, 0});
  const std::size_t sockets_end = waits.size();
  for (const Container& container : containers_) {
    if (container.process && container.process->output.is_open()) {
      waits.push_back({container.process->output.get(), POLLIN, 0});
    }
  }
  for (const auto& [pid, execution] : executions_) {
    if (execution.process.output.is_open()) {
      waits.push_back({execution.process.output.get(), POLLIN, 0});
    }
  }
  poll(waits.data(), waits.size(), wait_milliseconds());
  std::vector<int> ready;
  for (std::size_t i = 1; i < sockets_end; ++i) {
    if (waits[i].revents != 0) ready.push_back(waits[i].fd);
  }
  read_outputs();
  handle_signals();
  handle_connections(ready);
  handle_timers();
  write_state();
}

int PodInit::wait_milliseconds() const {
  std::optional<Instant> next;
  const auto consider = [&](std::optional<Instant> due) {
    if (due && (!next || *due < *next)) next = due;
  };
  for (const Container& container : containers_) {
    consider(container.start_at);
    consider(container.kill_at);
  }
  for (const auto& [pid, execution] : executions_) consider(execution.deadline);
  if (!next) return k_wait_max_milliseconds;
  const std::int64_t left = (*next - read_clocks().monotonic).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, k_wait_max_milliseconds));
}

void PodInit::handle_signals() {
  signalfd_siginfo info{};
  bool child_ended = false;
  while (read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo == SIGTERM) stop_pod(plan_.grace_seconds);
    if (info.ssi_signo == SIGCHLD) child_ended = true;
  }
  if (child_ended) reap();
}

void PodInit::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    const auto execution = executions_.find(pid);
    if (execution != executions_.end()) {
      Execution ended = std::move(execution->second);
      executions_.erase(execution);
      finish_execution(ended, status);
      continue;
    }
    for (Container& container : containers_) {
      if (container.process && container.process->pid == pid) handle_exit(container, status);
    }
  }
}

void PodInit::read_outputs() {
  for (Container& container : containers_) {
    if (!container.process || !container.process->output.is_open()) continue;
    const bool open = read_available(container.process->output.get(),
                                     [&](std::string_view bytes) { container.log->write(bytes); });
    if (!open) container.process->output.reset();
  }
  for (auto& [pid, execution] : executions_) {
    if (!execution.process.output.is_open()) continue;
    std::string& output = execution.output;
    const bool open = read_available(execution.process.output.get(), [&](std::string_view bytes) {
      output.append(bytes.substr(0, k_exec_output_bytes_max - output.size()));
    });
    if (!open) execution.process.output.reset();
  }
}

void PodInit::handle_timers() {
  const Instant now = read_clocks().monotonic;
  for (Container& container : containers_) {
    if (container.kill_at && *container.kill_at <= now && container.process) {
      container.kill_at.reset();
      kill_mount_namespace(container.process->mount_namespace);
    }
    if (container.start_at && *container.start_at <= now) start_container_run(container);
  }
  for (auto& [pid, execution] : executions_) {
    if (!execution.deadline || *execution.deadline > now) continue;
    execution.deadline.reset();
    kill(pid, SIGKILL);
  }
}

void PodInit::start_container_run(Container& container) {
  container.start_at.reset();
  container.kill_at.reset();
  container.stop_reason.clear();
  const std::int64_t run = container.runs++;
  container.state.restart_count = run;
  std::error_code ignored;
  if (run >= 2) {
    const std::string oldest = directory_.log(container.plan->name, run - 2);
    std::filesystem::remove(oldest, ignored);
    std::filesystem::remove(oldest + ".1", ignored);
  }
  container.log = std::make_unique<LogFile>(directory_.log(container.plan->name, run));
  container.started = read_clocks().monotonic;
  container.state.started_at = read_clocks().wall;
  auto started = start_container(plan_, *container.plan, directory_);
  if (started) {
    container.process = std::move(*started);
    container.state.phase = ContainerPhase::Running;
    container.state.reason.clear();
    container.state.message.clear();
    return;
  }
  Termination end;
  end.exit_code = k_start_error_code;
  end.reason = "StartError";
  end.message = describe(started.error());
  end.started_at = container.state.started_at;
  end.finished_at = read_clocks().wall;
  end_container_run(container, std::move(end));
}

void PodInit::handle_exit(Container& container, int status) {
  // What the command has left running belongs to the run that is over.
  kill_mount_namespace(container.process->mount_namespace);
  if (container.process->output.is_open()) {
    read_available(container.process->output.get(),
                   [&](std::string_view bytes) { container.log->write(bytes); });
  }
  container.process.reset();
  container.kill_at.reset();
  Termination end = describe_exit(status, container.state.started_at);
  end.message = container.stop_reason;
  end_container_run(container, std::move(end));
}

void PodInit::end_container_run(Container& container, Termination termination) {
  const int exit_code = termination.exit_code;
  container.state.phase = ContainerPhase::Terminated;
  container.state.reason.clear();
  container.state.termination = std::move(termination);
  if (state_.stopping) return;
  const bool again = container.state.is_init ? restarts_init(plan_.restart_policy, exit_code)
                                             : restarts(plan_.restart_policy, exit_code);
  if (again) return schedule_restart(container, read_clocks().monotonic - container.started);
  if (container.state.is_init && exit_code == 0) start_after(container);
}

void PodInit::schedule_restart(Container& container, Duration ran) {
  const Duration delay = container.backoff.next_delay(ran);
  container.start_at = read_clocks().monotonic + delay;
  container.state.phase = ContainerPhase::Waiting;
  container.state.reason = "CrashLoopBackOff";
  container.state.message = "waits " + seconds_text(delay) + " before it is started again";
}

void PodInit::start_after(const Container& init_container) {
  const auto done = static_cast<std::size_t>(&init_container - containers_.data()) + 1;
  const bool more_init = done < plan_.init_containers.size();
  for (std::size_t i = done; i < containers_.size(); ++i) {
    if (more_init && i > done) return;
    containers_[i].start_at = read_clocks().monotonic;
  }
}

void PodInit::stop_pod(std::int64_t grace_seconds) {
  state_.stopping = true;
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    Container& container = containers_[i];
    container.start_at.reset();
    if (container.process) {
      stop_container(i, grace_seconds, "");
    } else if (container.state.termination) {
      container.state.phase = ContainerPhase::Terminated;
      container.state.reason.clear();
      container.state.message.clear();
    }
  }
}

void PodInit::stop_container(std::size_t index, std::int64_t grace_seconds,
                             const std::string& reason) {
  Container& container = containers_[index];
  const Instant deadline = read_clocks().monotonic + std::chrono::seconds(grace_seconds);
  const bool asked_already = container.kill_at.has_value();
  container.kill_at = asked_already ? std::min(*container.kill_at, deadline) : deadline;
  if (asked_already || grace_seconds == 0) return;
  container.stop_reason = reason;
  if (!container.plan->pre_stop.empty()) {
    auto started = start_inside(*container.plan, container.plan->pre_stop, container.process->pid);
    if (started) {
      const pid_t pid = started->pid;
      executions_.emplace(pid, Execution{std::move(*started), deadline, {}, -1, true, index});
      return;
    }
  }
  // The main process alone: it may have to take its children down in order.
  kill(container.process->pid, SIGTERM);
}

void PodInit::handle_connections(const std::vector<int>& ready) {
  for (const int socket : ready) {
    if (socket == listener_.get()) {
      FileDescriptor accepted(accept4(socket, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      const int number = accepted.get();
      if (!accepted.is_open() || connections_.size() >= k_connections_max) continue;
      connections_.emplace(number, Connection{std::move(accepted), {}, false});
      continue;
    }
    Connection& connection = connections_.at(socket);
    const bool open =
        read_available(socket, [&](std::string_view bytes) { connection.input.append(bytes); });
    const auto end = connection.input.find('\n');
    if (end != std::string::npos && !connection.executing) {
      const std::string line = connection.input.substr(0, end);
      connection.input.clear();
      handle_request(socket, line);
    }
    const auto still = connections_.find(socket);
    if (still == connections_.end()) continue;
    if (!open || still->second.input.size() > k_control_line_bytes_max) connections_.erase(still);
  }
}

void PodInit::handle_request(int socket, const std::string& line) {
  const auto request = parse_request(line);
  if (!request) return answer(socket, {false, 0, request.error().message});
  if (request->verb == ControlVerb::Stop) {
    stop_pod(request->grace_seconds);
    return answer(socket, {true, 0, ""});
  }
  const auto index = find_container(request->container);
  if (!index || !containers_[*index].process) {
    return answer(socket, {false, 0, "the container is not running"});
  }
  if (request->verb == ControlVerb::Exec) return execute(socket, *request);
  stop_container(*index, request->grace_seconds, request->reason);
  answer(socket, {true, 0, ""});
}

void PodInit::execute(int socket, const ControlRequest& request) {
  if (executions_.size() >= k_executions_max) {
    return answer(socket, {false, 0, "too many commands run in this pod already"});
  }
  const std::size_t index = *find_container(request.container);
  const Container& container = containers_[index];
  auto started = start_inside(*container.plan, request.command, container.process->pid);
  if (!started) return answer(socket, {false, 0, describe(started.error())});
  const pid_t pid = started->pid;
  const Instant deadline = read_clocks().monotonic + request.timeout;
  executions_.emplace(pid, Execution{std::move(*started), deadline, {}, socket, false, index});
  connections_.at(socket).executing = true;
}

void PodInit::finish_execution(Execution& execution, int status) {
  if (execution.is_pre_stop) {
    const Container& container = containers_[execution.container];
    if (container.process) kill(container.process->pid, SIGTERM);
    return;
  }
  if (execution.process.output.is_open()) {
    read_available(execution.process.output.get(), [&](std::string_view bytes) {
      execution.output.append(bytes.substr(0, k_exec_output_bytes_max - execution.output.size()));
    });
  }
  if (!execution.deadline) {
    return answer(execution.connection, {false, 0, "the command took too long"});
  }
  const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  answer(execution.connection, {true, code, execution.output});
}

void PodInit::answer(int socket, const ControlAnswer& answer) {
  const auto connection = connections_.find(socket);
  if (connection == connections_.end()) return;
  const std::string line = render_answer(answer);
  // Small enough for the socket's buffer; whoever does not listen any more gets nothing.
  static_cast<void>(send(socket, line.data(), line.size(), MSG_NOSIGNAL));
  connections_.erase(connection);
}

std::optional<std::size_t> PodInit::find_container(const std::string& name) const {
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    if (containers_[i].plan->name == name) return i;
  }
  return std::nullopt;
}

bool PodInit::is_finished() const {
  return std::none_of(containers_.begin(), containers_.end(), [](const Container& container) {
    return container.process || container.start_at;
  });
}

void PodInit::write_state() {
  state_.containers.clear();
  for (const Container& container : containers_) state_.containers.push_back(container.state);
  std::string rendered = render_pod_state(state_);
  if (rendered == written_state_) return;
  // A full disk: the next change tries again, and the kubelet still sees the supervisor end.
  if (write_file(directory_.state(), rendered)) written_state_ = std::move(rendered);
}

}  // namespace ray_gitops::local_cluster
