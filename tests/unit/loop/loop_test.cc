#include "agent/loop/loop.h"

#include <array>
#include <csignal>
#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/loop/run_until.h"

namespace ray_gitops {
namespace {

using test::run_until;

struct Pipe {
  Pipe() { EXPECT_EQ(0, pipe(ends.data())); }
  ~Pipe() {
    for (const int end : ends)
      if (end >= 0) close(end);
  }
  void close_writer() { close(std::exchange(ends[1], -1)); }
  std::array<int, 2> ends{-1, -1};
};

TEST(Timers, fire_in_order_of_time_and_then_of_adding) {
  Loop loop;
  std::vector<int> fired;
  loop.add_timer(Duration{20}, [&] { fired.push_back(3); });
  loop.add_timer(Duration{0}, [&] { fired.push_back(1); });
  loop.add_timer(Duration{-5}, [&] { fired.push_back(2); });
  ASSERT_TRUE(run_until(loop, [&] { return fired.size() == 3; }));
  EXPECT_EQ(fired, (std::vector{1, 2, 3}));
}

TEST(Timers, do_not_fire_early) {
  Loop loop;
  const Instant start = loop.now().monotonic;
  std::optional<Instant> fired;
  loop.add_timer(Duration{30}, [&] { fired = loop.now().monotonic; });
  ASSERT_TRUE(run_until(loop, [&] { return fired.has_value(); }));
  EXPECT_GE(*fired - start, Duration{30});
}

TEST(Timers, do_not_fire_when_cancelled_by_one_that_is_due_with_them) {
  Loop loop;
  bool fired = false;
  bool later = false;
  TimerId second = 0;
  loop.add_timer(Duration{0}, [&] { loop.cancel_timer(second); });
  second = loop.add_timer(Duration{0}, [&] { fired = true; });
  loop.add_timer(Duration{5}, [&] { later = true; });
  ASSERT_TRUE(run_until(loop, [&] { return later; }));
  EXPECT_FALSE(fired);
}

TEST(Timers, that_add_themselves_again_starve_nobody) {
  Loop loop;
  Pipe pipe;
  bool readable = false;
  std::function<void()> again = [&] { loop.add_timer(Duration{0}, again); };
  again();
  loop.watch_fd(pipe.ends[0], {.readable = true}, [&](FdReady) { readable = true; });
  ASSERT_EQ(1, write(pipe.ends[1], "x", 1));
  EXPECT_TRUE(run_until(loop, [&] { return readable; }));
}

TEST(Descriptors, are_told_readable_and_may_unwatch_themselves) {
  Loop loop;
  Pipe pipe;
  int calls = 0;
  loop.watch_fd(pipe.ends[0], {.readable = true}, [&](FdReady ready) {
    EXPECT_TRUE(ready.readable);
    ++calls;
    loop.unwatch_fd(pipe.ends[0]);
  });
  ASSERT_EQ(1, write(pipe.ends[1], "x", 1));
  bool later = false;
  loop.add_timer(Duration{20}, [&] { later = true; });
  ASSERT_TRUE(run_until(loop, [&] { return later && calls > 0; }));
  EXPECT_EQ(calls, 1);
}

TEST(Descriptors, tell_of_a_closed_peer) {
  Loop loop;
  Pipe pipe;
  bool readable = false;
  loop.watch_fd(pipe.ends[0], {.readable = true}, [&](FdReady ready) {
    readable = ready.readable;
    loop.unwatch_fd(pipe.ends[0]);
  });
  pipe.close_writer();
  EXPECT_TRUE(run_until(loop, [&] { return readable; }));
}

TEST(Descriptors, are_told_writable_once_asked_for) {
  Loop loop;
  Pipe pipe;
  bool writable = false;
  loop.watch_fd(pipe.ends[1], {}, [&](FdReady ready) { writable = ready.writable; });
  loop.add_timer(Duration{10}, [&] {
    EXPECT_FALSE(writable);
    loop.rewatch_fd(pipe.ends[1], {.writable = true});
  });
  EXPECT_TRUE(run_until(loop, [&] { return writable; }));
  loop.unwatch_fd(pipe.ends[1]);
}

TEST(Signals, are_delivered_to_the_handler) {
  Loop loop;
  std::vector<int> seen;
  loop.watch_signals({SIGUSR1, SIGTERM}, [&](int signal) { seen.push_back(signal); });
  kill(getpid(), SIGUSR1);
  ASSERT_TRUE(run_until(loop, [&] { return seen.size() == 1; }));
  kill(getpid(), SIGTERM);
  ASSERT_TRUE(run_until(loop, [&] { return seen.size() == 2; }));
  EXPECT_EQ(seen, (std::vector{SIGUSR1, SIGTERM}));
}

pid_t spawn_exiting(int code) {
  const pid_t pid = fork();
  if (pid == 0) _exit(code);
  return pid;
}

TEST(Children, are_reaped_and_their_status_is_told) {
  Loop loop;
  std::optional<int> status;
  const pid_t pid = spawn_exiting(7);
  ASSERT_TRUE(loop.watch_child(pid, [&](int ended) { status = ended; }));
  ASSERT_TRUE(run_until(loop, [&] { return status.has_value(); }));
  EXPECT_TRUE(WIFEXITED(*status));
  EXPECT_EQ(WEXITSTATUS(*status), 7);
  EXPECT_EQ(waitpid(pid, nullptr, WNOHANG), -1);
}

TEST(Children, that_are_not_watched_are_left_to_their_owner) {
  Loop loop;
  bool ended = false;
  const pid_t other = spawn_exiting(3);
  ASSERT_TRUE(loop.watch_child(spawn_exiting(0), [&](int) { ended = true; }));
  ASSERT_TRUE(run_until(loop, [&] { return ended; }));
  int status = 0;
  EXPECT_EQ(waitpid(other, &status, 0), other);
  EXPECT_EQ(WEXITSTATUS(status), 3);
}

TEST(Children, of_others_are_refused) {
  Loop loop;
  EXPECT_FALSE(loop.watch_child(1, [](int) {}));
  EXPECT_FALSE(loop.watch_child(getpid(), [](int) {}));
}

}  // namespace
}  // namespace ray_gitops
