#include "agent/local_cluster/kubelet/supervisor.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/local_cluster/kubelet/clock.h"
#include "agent/local_cluster/kubelet/container_root.h"
#include "agent/local_cluster/kubelet/network.h"
#include "agent/local_cluster/kubelet/pod_directory.h"
#include "agent/local_cluster/kubelet/pod_init.h"
#include "agent/local_cluster/kubelet/process.h"
#include "agent/local_cluster/kubelet/process_plan.h"
#include "agent/local_cluster/kubelet/supervisor_state.h"

namespace ray_gitops::local_cluster {
namespace {

constexpr int k_exit_cannot_begin = 1;
constexpr int k_exit_already_supervised = 2;
constexpr int k_killed_exit_code = 137;

// Standard streams of its own, so that nothing ties it to whoever started it.
void leave_starter(const PodDirectory& directory) {
  setsid();
  umask(022);
  const FileDescriptor nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const FileDescriptor log(
      open(directory.supervisor_log().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  dup2(nothing.get(), 0);
  dup2(log.get(), 1);
  dup2(log.get(), 2);
  if (chdir("/") != 0) std::perror("chdir");
}

Result<FileDescriptor> take_lock(const PodDirectory& directory) {
  FileDescriptor lock(open(directory.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.is_open()) return fail_with_errno(directory.lock());
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::Conflict, "another supervisor has this pod", directory.path);
  }
  return lock;
}

// The last word about a pod whose process 1 could not tell it itself.
void write_end(const PodDirectory& directory, const std::string& problem) {
  PodState state;
  const auto file = read_file(directory.state(), k_state_bytes_max);
  auto known = file ? parse_pod_state(*file) : fail(ErrorCode::NotFound, "no state");
  if (known) state = std::move(*known);
  if (state.finished) return;
  state.finished = true;
  state.problem = problem;
  for (ContainerState& container : state.containers) {
    if (container.phase != ContainerPhase::Running) continue;
    container.phase = ContainerPhase::Terminated;
    container.termination = Termination{k_killed_exit_code,   SIGKILL,           "Error", problem,
                                        container.started_at, read_clocks().wall};
  }
  const auto written = write_file(directory.state(), render_pod_state(state));
  if (!written) std::fprintf(stderr, "%s\n", describe(written.error()).c_str());
}

Result<void> begin_inside(const PodProcessPlan& plan, const PodDirectory& directory) {
  if (sethostname(plan.hostname.data(), plan.hostname.size()) != 0) {
    return fail_with_errno("sethostname");
  }
  TRY(prepare_pod_mounts(plan, directory));
  return configure_pod(plan.network);
}

// In the new namespaces, as their process 1.
int run_inside(PodProcessPlan plan, const PodDirectory& directory, int go) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // Ends without a byte when the supervisor is gone already.
  char byte = 0;
  if (read(go, &byte, 1) != 1) return k_exit_cannot_begin;
  close(go);
  auto result = begin_inside(plan, directory);
  if (result) result = PodInit(std::move(plan), directory).run();
  if (result) return 0;
  std::fprintf(stderr, "%s\n", describe(result.error()).c_str());
  write_end(directory, describe(result.error()));
  return k_exit_cannot_begin;
}

struct Init {
  pid_t pid = 0;
  FileDescriptor go;  // one byte lets it begin
};

Result<Init> start_init(PodProcessPlan plan, const PodDirectory& directory) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail_with_errno("pipe");
  const FileDescriptor go_read(ends[0]);
  FileDescriptor go_write(ends[1]);
  const unsigned long flags =
      CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD;
  // Only the child is to be in the new namespaces: the supervisor still works on the host's
  // network.
  const long pid = syscall(SYS_clone, flags, nullptr, nullptr, nullptr, 0);
  if (pid < 0) return fail_with_errno("the pod's namespaces");
  if (pid == 0) {
    go_write.reset();
    _exit(run_inside(std::move(plan), directory, go_read.get()));
  }
  return Init{static_cast<pid_t>(pid), std::move(go_write)};
}

// Until process 1 has ended; its wait status.
int wait_for_init(pid_t init, const sigset_t& watched) {
  for (;;) {
    const int number = sigwaitinfo(&watched, nullptr);
    if (number == SIGTERM) kill(init, SIGTERM);
    int status = 0;
    if (number == SIGCHLD && waitpid(init, &status, WNOHANG) == init) return status;
  }
}

Result<void> live(const PodDirectory& directory) {
  const ProcessIdentity self = TRY(read_identity(getpid()));
  TRY(write_file(directory.identity(), render_identity(self)));
  const std::string file = TRY(read_file(directory.plan(), k_plan_bytes_max));
  const PodProcessPlan plan = TRY(parse_process_plan(file));
  const Init init = TRY(start_init(plan, directory));
  auto attached = attach_pod(plan.network, init.pid);
  const bool told = attached && write(init.go.get(), "g", 1) == 1;
  if (!told) kill(init.pid, SIGKILL);
  sigset_t watched;
  sigemptyset(&watched);
  for (const int number : {SIGCHLD, SIGTERM}) sigaddset(&watched, number);
  const int status = wait_for_init(init.pid, watched);
  detach_pod(plan.network);
  if (!attached) return attached;
  if (WIFSIGNALED(status)) {
    return fail(ErrorCode::Unavailable,
                "the pod was ended by signal " + std::to_string(WTERMSIG(status)));
  }
  return {};
}

}  // namespace

int supervise(const SupervisorOptions& options) {
  close_range(3, ~0U, 0);  // whatever the starter had open
  std::error_code ignored;
  const PodDirectory directory{std::filesystem::absolute(options.directory, ignored).string()};
  const auto lock = take_lock(directory);
  if (!lock) return k_exit_already_supervised;
  leave_starter(directory);
  sigset_t watched;
  sigemptyset(&watched);
  for (const int number : {SIGCHLD, SIGTERM}) sigaddset(&watched, number);
  sigprocmask(SIG_BLOCK, &watched, nullptr);
  signal(SIGPIPE, SIG_IGN);
  const auto lived = live(directory);
  if (lived) return 0;
  std::fprintf(stderr, "%s\n", describe(lived.error()).c_str());
  write_end(directory, describe(lived.error()));
  return k_exit_cannot_begin;
}

}  // namespace ray_gitops::local_cluster
