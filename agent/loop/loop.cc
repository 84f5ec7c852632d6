#include "agent/loop/loop.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {  // glibc 2.36 forgot it in this header
#include <sys/pidfd.h>
}

#include "agent/loop/clock.h"
#include "agent/loop/transfers.h"
#include "reconcilers/model/check.h"

namespace ray_gitops {
namespace {

constexpr Duration k_wait_max{60'000};
constexpr std::size_t k_fd_events_per_turn_max = 64;

std::uint32_t epoll_events(FdReady interest) {
  return (interest.readable ? std::uint32_t{EPOLLIN} : 0U) |
         (interest.writable ? std::uint32_t{EPOLLOUT} : 0U);
}

FdReady ready_of(std::uint32_t events) {
  const bool broken = (events & (EPOLLHUP | EPOLLERR)) != 0;
  return {broken || (events & EPOLLIN) != 0, broken || (events & EPOLLOUT) != 0};
}

sigset_t mask_of(const std::set<int>& signals) {
  sigset_t mask;
  sigemptyset(&mask);
  for (const int signal : signals) sigaddset(&mask, signal);
  return mask;
}

std::int64_t milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::floor<Duration>(time).count();
}

}  // namespace

struct Loop::State {
  struct Watch {
    int fd = -1;
    std::shared_ptr<std::function<void(FdReady)>> handler;  // survives an unwatch from itself
  };

  explicit State(Loop& loop) : epoll(epoll_create1(EPOLL_CLOEXEC)), transfers(loop) {
    CHECK(epoll >= 0);
  }

  int epoll;
  bool stopping = false;

  std::uint64_t last_timer = 0;
  std::map<std::pair<Instant, TimerId>, std::function<void()>> timers;
  std::map<TimerId, Instant> timer_times;

  // By number of registration, so that an event of a closed descriptor never meets its successor.
  std::uint64_t last_watch = 0;
  std::map<std::uint64_t, Watch> watches;
  std::map<int, std::uint64_t> watch_of_fd;

  std::set<int> signals;
  int signal_fd = -1;
  std::set<int> child_fds;

  Transfers transfers;

  void fire_due_timers(Instant now);
  Duration time_to_wait(Instant now) const;
  void dispatch_ready_fds();
};

// Timers that a handler adds wait for the next turn, so that a chain of them starves nobody.
void Loop::State::fire_due_timers(Instant now) {
  std::vector<std::pair<Instant, TimerId>> due;
  for (const auto& [key, handler] : timers) {
    if (key.first > now) break;
    due.push_back(key);
  }
  for (const auto& key : due) {
    auto timer = timers.extract(key);
    if (timer.empty()) continue;  // an earlier one cancelled it
    timer_times.erase(key.second);
    timer.mapped()();
  }
}

Duration Loop::State::time_to_wait(Instant now) const {
  if (stopping || transfers.has_work()) return Duration{0};
  if (timers.empty()) return k_wait_max;
  return std::clamp(timers.begin()->first.first - now, Duration{0}, k_wait_max);
}

void Loop::State::dispatch_ready_fds() {
  std::array<epoll_event, k_fd_events_per_turn_max> events{};
  const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const std::uint64_t id = event.data.u64;  // a copy: the struct is packed, no reference fits
    const auto watch = watches.find(id);
    if (watch == watches.end()) continue;
    const auto handler = watch->second.handler;
    (*handler)(ready_of(event.events));
  }
}

Loop::Loop() : state_(std::make_unique<State>(*this)) { std::signal(SIGPIPE, SIG_IGN); }

Loop::~Loop() {
  for (const int fd : state_->child_fds) close(fd);
  if (state_->signal_fd >= 0) close(state_->signal_fd);
  close(state_->epoll);
  const sigset_t mask = mask_of(state_->signals);
  pthread_sigmask(SIG_UNBLOCK, &mask, nullptr);
}

void Loop::run() {
  state_->stopping = false;
  while (!state_->stopping) {
    state_->fire_due_timers(now().monotonic);
    state_->transfers.turn();
    state_->transfers.wait(state_->epoll, state_->time_to_wait(now().monotonic));
    state_->dispatch_ready_fds();
  }
}

void Loop::stop() { state_->stopping = true; }

Now Loop::now() const {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return {WallTime{milliseconds(wall)}, monotonic_now()};
}

TimerId Loop::add_timer(Duration delay, std::function<void()> handler) {
  const TimerId id = ++state_->last_timer;
  const Instant at = now().monotonic + std::max(delay, Duration{0});
  state_->timer_times.emplace(id, at);
  state_->timers.emplace(std::pair{at, id}, std::move(handler));
  return id;
}

void Loop::cancel_timer(TimerId id) {
  const auto found = state_->timer_times.find(id);
  if (found == state_->timer_times.end()) return;
  state_->timers.erase({found->second, id});
  state_->timer_times.erase(found);
}

void Loop::watch_fd(int fd, FdReady interest, std::function<void(FdReady)> handler) {
  const std::uint64_t id = ++state_->last_watch;
  CHECK(state_->watch_of_fd.emplace(fd, id).second);
  epoll_event event{};
  event.events = epoll_events(interest);
  event.data.u64 = id;
  CHECK(epoll_ctl(state_->epoll, EPOLL_CTL_ADD, fd, &event) == 0);
  state_->watches.emplace(
      id, State::Watch{fd, std::make_shared<std::function<void(FdReady)>>(std::move(handler))});
}

void Loop::rewatch_fd(int fd, FdReady interest) {
  const auto found = state_->watch_of_fd.find(fd);
  CHECK(found != state_->watch_of_fd.end());
  epoll_event event{};
  event.events = epoll_events(interest);
  event.data.u64 = found->second;
  CHECK(epoll_ctl(state_->epoll, EPOLL_CTL_MOD, fd, &event) == 0);
}

void Loop::unwatch_fd(int fd) {
  const auto found = state_->watch_of_fd.find(fd);
  if (found == state_->watch_of_fd.end()) return;
  CHECK(epoll_ctl(state_->epoll, EPOLL_CTL_DEL, fd, nullptr) == 0);
  state_->watches.erase(found->second);
  state_->watch_of_fd.erase(found);
}

void Loop::watch_signals(const std::set<int>& signals, std::function<void(int)> handler) {
  const sigset_t mask = mask_of(signals);
  CHECK(pthread_sigmask(SIG_BLOCK, &mask, nullptr) == 0);
  state_->signals.insert(signals.begin(), signals.end());
  if (state_->signal_fd >= 0) unwatch_fd(state_->signal_fd);
  state_->signal_fd = signalfd(state_->signal_fd, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  const int fd = state_->signal_fd;
  CHECK(fd >= 0);
  watch_fd(fd, {.readable = true}, [fd, handler = std::move(handler)](FdReady) {
    signalfd_siginfo info{};
    if (read(fd, &info, sizeof(info)) == sizeof(info)) handler(static_cast<int>(info.ssi_signo));
  });
}

// Through a pidfd and not SIGCHLD: it needs no signal mask, reaps only this child and does not
// depend on who else in the process waits for children.
Result<void> Loop::watch_child(pid_t pid, std::function<void(int)> handler) {
  const int fd = pidfd_open(pid, 0);
  siginfo_t info{};
  if (fd < 0 || waitid(P_PIDFD, static_cast<id_t>(fd), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    if (fd >= 0) close(fd);
    return fail(ErrorCode::Unavailable, "process " + std::to_string(pid) + " is no child of ours");
  }
  state_->child_fds.insert(fd);
  watch_fd(fd, {.readable = true}, [this, fd, pid, handler = std::move(handler)](FdReady) {
    int status = 0;
    if (waitpid(pid, &status, WNOHANG) == 0) return;
    unwatch_fd(fd);
    state_->child_fds.erase(fd);
    close(fd);
    handler(status);
  });
  return {};
}

TransferId Loop::start_transfer(HttpRequest request, HttpHandlers handlers) {
  return state_->transfers.start(std::move(request), std::move(handlers));
}

void Loop::cancel_transfer(TransferId id) { state_->transfers.cancel(id); }

}  // namespace ray_gitops
