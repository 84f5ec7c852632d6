#pragma once
// The one thread that does things: timers, file descriptors, signals, child exits and HTTP
// transfers, all answered by calling a handler from run(). Nothing here is safe to call from
// another thread. Handlers may call every member function, also for the thing they are called for.

#include <cstdint>
#include <functional>
#include <memory>
#include <set>

#include <sys/types.h>

#include "agent/loop/http.h"
#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"

namespace ray_gitops {

// Never 0: a 0 can stand for "none".
using TimerId = std::uint64_t;
using TransferId = std::uint64_t;

// Transfers on the wire at once; others wait in the order in which they were started. Long-lived
// ones (watches) neither count nor wait.
constexpr std::size_t k_transfers_in_flight_max = 128;
constexpr Duration k_connect_time_max{10'000};

// What a descriptor is ready for. A hang-up or an error counts as both.
struct FdReady {
  bool readable = false;
  bool writable = false;
};

class Loop {
 public:
  // Ignores SIGPIPE for the whole process. Programs that are spawned should get it back, and an
  // empty signal mask (posix_spawnattr_setsigdefault, posix_spawnattr_setsigmask).
  Loop();
  ~Loop();  // what is pending is dropped; no handler is called
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Calls handlers until stop() is called from one of them.
  void run();
  void stop();

  Now now() const;

  // Calls `handler` once, when `delay` has passed (at the next turn of the loop for 0 or less).
  // Timers fire in the order of their times, equal ones in the order in which they were added.
  TimerId add_timer(Duration delay, std::function<void()> handler);
  // Nothing when it has fired or is unknown.
  void cancel_timer(TimerId id);

  // Level-triggered, until unwatch_fd(), which must come before close(). `fd` is a pipe, socket or
  // the like (not a regular file), not watched yet; it stays the caller's. With neither interest
  // set, only hang-ups and errors are told.
  void watch_fd(int fd, FdReady interest, std::function<void(FdReady)> handler);
  // Changes what a watched descriptor is watched for.
  void rewatch_fd(int fd, FdReady interest);
  // Nothing when it is not watched.
  void unwatch_fd(int fd);

  // Delivers these signals to `handler`, instead of what was asked for by an earlier call. They are
  // blocked for this thread (call it before threads are started) until the loop is destroyed.
  void watch_signals(const std::set<int>& signals, std::function<void(int)> handler);

  // Reaps the child `pid` when it ends and calls `handler` once with its status as waitpid(2) gives
  // it. Other children are not touched. Fails (Unavailable) when `pid` is no child of ours.
  Result<void> watch_child(pid_t pid, std::function<void(int)> handler);

  // Starts an HTTP exchange; see http.h. Never calls a handler before it returns.
  TransferId start_transfer(HttpRequest request, HttpHandlers handlers);
  // No handler of this transfer is called again. Nothing when it has ended or is unknown.
  void cancel_transfer(TransferId id);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ray_gitops
