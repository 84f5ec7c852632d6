// The kubelet ends and comes back; its pods do not notice.
#include <filesystem>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/local_cluster/kubelet/process.h"
#include "agent/local_cluster/kubelet/supervisor_state.h"
#include "pod_fixture.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

ProcessIdentity supervisor_of(const std::string& pod_directory) {
  return parse_identity(read_file(pod_directory + "/supervisor.json", 4096).value()).value();
}

TEST_F(PodTest, goes_on_while_its_kubelet_is_killed_and_is_taken_over) {
  host_->stop_everything();
  const json pod = Host::pod("p", "echo up; until test -e /tmp/end; do sleep 0.1; done; exit 7");
  const pid_t first = fork();
  if (first == 0) {
    Host other(directory_);
    if (!other.start_kubelet()) _exit(1);
    other.create(pod);
    other.wait_until([] { return false; });
    _exit(1);
  }
  // A Store with the same history has the same uids.
  host_ = std::make_unique<Host>(directory_);
  std::string log;
  ASSERT_TRUE(host_->wait_until([&] {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_ + "/pods")) {
      if (entry.path().filename() == "0.log") log = read_file(entry.path().string(), 99).value();
    }
    return log == "up\n";
  }));
  kill(first, SIGKILL);
  ASSERT_EQ(waitpid(first, nullptr, 0), first);
  ASSERT_TRUE(host_->start_kubelet());
  host_->create(pod);
  ASSERT_TRUE(host_->wait_until([&] { return host_->is_ready("p"); }));
  EXPECT_EQ(host_->status("p")["containerStatuses"][0]["restartCount"], 0);
  EXPECT_EQ(host_->status("p")["podIP"], "10.88.0.2");
  ASSERT_TRUE(write_file(host_->pod_directory("p") + "/containers/main/tmp/end", ""));
  ASSERT_TRUE(host_->wait_for_phase("p", "Failed"));
  EXPECT_EQ(host_->state("p")["terminated"]["exitCode"], 7);
}

TEST_F(PodTest, end_that_no_kubelet_saw_is_told_by_the_next_one) {
  host_->create(Host::pod("p", "until test -e /tmp/end; do sleep 0.1; done; exit 7"));
  ASSERT_TRUE(host_->wait_for_phase("p", "Running"));
  const std::string directory = host_->pod_directory("p");
  host_->drop_kubelet();
  ASSERT_TRUE(write_file(directory + "/containers/main/tmp/end", ""));
  const ProcessIdentity supervisor = supervisor_of(directory);
  ASSERT_TRUE(host_->wait_until([&] { return !open_process(supervisor); }));
  ASSERT_TRUE(host_->start_kubelet());
  ASSERT_TRUE(host_->wait_for_phase("p", "Failed"));
  EXPECT_EQ(host_->state("p")["terminated"]["exitCode"], 7);
}

TEST_F(PodTest, whose_supervisor_is_killed_is_lost_with_all_its_processes) {
  host_->create(Host::pod("p", "sleep 98765.1 & sleep 98765.2"));
  ASSERT_TRUE(host_->wait_until([&] { return count_processes("98765.2") == 2; }));
  const pid_t supervisor = supervisor_of(host_->pod_directory("p")).pid;
  ASSERT_EQ(kill(supervisor, SIGKILL), 0);
  ASSERT_TRUE(host_->wait_for_phase("p", "Failed"));
  EXPECT_EQ(host_->status("p")["reason"], "Lost");
  EXPECT_TRUE(host_->wait_until([&] { return count_processes("98765.") == 0; }));
}

TEST_F(PodTest, of_an_earlier_boot_is_lost) {
  host_->create(Host::pod("p", "sleep 1000"));
  ASSERT_TRUE(host_->wait_for_phase("p", "Running"));
  const std::string directory = host_->pod_directory("p");
  ProcessIdentity supervisor = supervisor_of(directory);
  host_->drop_kubelet();
  const pid_t pid = supervisor.pid;
  supervisor.boot_id = "another";
  ASSERT_TRUE(write_file(directory + "/supervisor.json", render_identity(supervisor)));
  ASSERT_TRUE(host_->start_kubelet());
  ASSERT_TRUE(host_->wait_for_phase("p", "Failed"));
  EXPECT_EQ(host_->status("p")["reason"], "Lost");
  EXPECT_EQ(kill(pid, 0), 0) << "a process that is not known for sure is left alone";
  kill(pid, SIGTERM);
  ASSERT_TRUE(host_->wait_until([&] { return waitpid(pid, nullptr, WNOHANG) == pid; }));
}

TEST_F(PodTest, is_terminated_when_everything_is_stopped) {
  host_->create(Host::pod("p", "trap 'exit 0' TERM; echo up; sleep 1000 & wait"));
  ASSERT_TRUE(host_->wait_until([&] { return host_->log("p") == "up\n"; }));
  host_->stop_everything();
  EXPECT_EQ(host_->phase("p"), "Failed");
  EXPECT_EQ(host_->status("p")["reason"], "Terminated");
  ASSERT_TRUE(host_->start_kubelet());
}

TEST_F(PodTest, second_kubelet_of_the_same_directory_is_refused) {
  Host second(directory_);
  const auto started = second.start_kubelet();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::Conflict);
}

TEST_F(PodTest, ray_nodes_start_one_for_each_core_at_a_time) {
  host_->drop_kubelet();
  ASSERT_TRUE(host_->start_kubelet(1));
  for (const char* name : {"a", "b"}) {
    json pod =
        Host::pod(name, "until test -e /tmp/go; do sleep 0.1; done; touch /tmp/ok; sleep 99");
    pod["metadata"]["labels"]["ray.io/is-ray-node"] = "yes";
    pod["spec"]["containers"][0]["readinessProbe"] = {
        {"exec", {{"command", {"test", "-e", "/tmp/ok"}}}}, {"periodSeconds", 1}};
    host_->create(pod);
  }
  ASSERT_TRUE(host_->wait_until(
      [&] { return host_->phase("a") == "Running" || host_->phase("b") == "Running"; }));
  const std::string first = host_->phase("a") == "Running" ? "a" : "b";
  const std::string second = first == "a" ? "b" : "a";
  EXPECT_EQ(host_->phase(second), "Pending");
  EXPECT_EQ(host_->status(second)["conditions"][0]["reason"], "WaitingForCore");
  ASSERT_TRUE(write_file(host_->pod_directory(first) + "/containers/main/tmp/go", ""));
  EXPECT_TRUE(host_->wait_for_phase(second, "Running"));
  EXPECT_TRUE(host_->is_ready(first));
}

}  // namespace
}  // namespace ray_gitops::local_cluster
