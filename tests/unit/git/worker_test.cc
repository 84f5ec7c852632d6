#include <csignal>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/git/support.h"

namespace ray_gitops::git {
namespace {

// Accepts connections on loopback, by its backlog, and never says anything.
class SilentServer {
 public:
  SilentServer() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(fd_, raw, length), 0);
    EXPECT_EQ(listen(fd_, 16), 0);
    EXPECT_EQ(getsockname(fd_, raw, &length), 0);
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() { close(fd_); }
  std::string url() const {
    return "http://user:hidden@127.0.0.1:" + std::to_string(port_) + "/repository.git";
  }

 private:
  int fd_;
  int port_ = 0;
};

class Worker : public GitTest {
 protected:
  Duration time_of(const std::function<void()>& action) {
    const Instant start = loop_.now().monotonic;
    action();
    return loop_.now().monotonic - start;
  }
};

TEST_F(Worker, gives_up_a_request_at_its_deadline) {
  const SilentServer server;
  GitWorkerOptions late = options(server.url());
  late.request_time_max = Duration{300};
  late.server_silence_max = Duration{0};
  worker_with(late);
  const Duration time = time_of([this] {
    const auto tips = list();
    ASSERT_FALSE(tips);
    EXPECT_EQ(tips.error().code, ErrorCode::Unavailable);
    EXPECT_EQ(tips.error().message, "no answer within 300 ms");
    EXPECT_EQ(describe(tips.error()).find("hidden"), std::string::npos);
  });
  EXPECT_LT(time, Duration{10'000});
}

TEST_F(Worker, gives_up_a_silent_server) {
  const SilentServer server;
  GitWorkerOptions silent = options(server.url());
  silent.server_silence_max = Duration{300};
  worker_with(silent);
  const auto tips = list();
  ASSERT_FALSE(tips);
  EXPECT_EQ(tips.error().code, ErrorCode::Unavailable);
  EXPECT_EQ(tips.error().message, "the Git server made no progress for 300 ms");
  EXPECT_EQ(list().error().message, "the Git server made no progress for 300 ms");
}

TEST_F(Worker, keeps_one_child_for_many_requests) {
  ASSERT_TRUE(list());
  const auto children = child_processes();
  ASSERT_EQ(children.size(), 1U);
  for (int request = 0; request < 5; ++request) ASSERT_TRUE(list());
  EXPECT_EQ(child_processes(), children);
}

TEST_F(Worker, answers_for_a_child_that_was_killed_and_starts_another) {
  ASSERT_TRUE(list());
  const pid_t child = child_processes().at(0);
  ASSERT_EQ(kill(child, SIGSTOP), 0);
  loop_.add_timer(Duration{100}, [child] { kill(child, SIGKILL); });
  const auto tips = list();
  ASSERT_FALSE(tips);
  EXPECT_EQ(tips.error().code, ErrorCode::Unavailable);
  EXPECT_EQ(tips.error().message, "the Git child was ended by signal 9");
  ASSERT_TRUE(list());
  EXPECT_NE(child_processes().at(0), child);
}

TEST_F(Worker, starts_another_child_when_an_idle_one_has_ended) {
  ASSERT_TRUE(list());
  ASSERT_EQ(kill(child_processes().at(0), SIGKILL), 0);
  // Either the end is seen first, or the request meets a dead child: then it is Unavailable once.
  const auto tips = list();
  EXPECT_TRUE(tips || tips.error().code == ErrorCode::Unavailable);
  EXPECT_TRUE(list());
}

TEST_F(Worker, answers_in_order_and_refuses_more_than_may_wait) {
  std::string order;
  std::size_t refused = 0;
  constexpr std::size_t k_more = 4;
  for (std::size_t request = 0; request < k_requests_waiting_max + k_more; ++request)
    worker().submit(ListRequest{"main", "status"},
                    [&, request](const Result<engine::RemoteTips>& tips) {
                      if (tips)
                        order += static_cast<char>('a' + request);
                      else
                        refused += tips.error().code == ErrorCode::LimitExceeded ? 1U : 0U;
                      if (order.size() == k_requests_waiting_max) loop_.stop();
                    });
  EXPECT_TRUE(order.empty()) << "answered before submit returned";
  run_loop();
  EXPECT_EQ(order, std::string("abcdefghijklmnopqrstuvwxyz").substr(0, k_requests_waiting_max));
  EXPECT_EQ(refused, k_more);
}

TEST_F(Worker, may_be_destroyed_by_an_answer) {
  for (int request = 0; request < 3; ++request)
    worker().submit(ListRequest{"main", "status"}, [this](const Result<engine::RemoteTips>&) {
      ASSERT_TRUE(worker_) << "answered after it was destroyed";
      worker_.reset();
      loop_.add_timer(Duration{100}, [this] { loop_.stop(); });
    });
  run_loop();
  EXPECT_FALSE(worker_);
  EXPECT_TRUE(child_processes().empty()) << "the child was killed and reaped";
}

TEST_F(Worker, says_when_the_child_cannot_be_started_or_is_another_program) {
  for (const char* program : {"/nonexistent", "/bin/false", "/bin/echo"}) {
    GitWorkerOptions wrong = options("file://" + work_);
    wrong.command = {program, "a line that is no answer"};
    worker_with(wrong);
    const auto tips = list();
    ASSERT_FALSE(tips) << program;
    EXPECT_EQ(tips.error().code, ErrorCode::Unavailable) << describe(tips.error());
  }
}

TEST_F(Worker, gives_the_child_nothing_of_our_environment) {
  setenv("GIT_TOKEN", "hidden", 1);
  ASSERT_TRUE(list());
  EXPECT_EQ(run("tr '\\0' '\\n' < /proc/" + std::to_string(child_processes().at(0)) + "/environ"),
            "HOME=/nonexistent\nLANG=C.UTF-8\nPATH=/usr/bin:/bin");
}

TEST_F(Worker, a_large_request_and_a_large_answer_pass_whole) {
  std::map<std::string, std::string> files;
  for (int file = 0; file < 200; ++file)
    files["objects/a/RayCluster/" + std::to_string(file) + ".json"] = std::string(50'000, 'x');
  const auto tip = publish(std::nullopt, files);
  ASSERT_TRUE(tip) << describe(tip.error());
  const auto tree = ask(LoadStatusRequest{"ray-status/test", *tip});
  ASSERT_TRUE(tree) << describe(tree.error());
  EXPECT_EQ(tree->files, files);
}

}  // namespace
}  // namespace ray_gitops::git
