#include "agent/local_cluster/kubelet/container_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <filesystem>
#include <functional>

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/local_cluster/kubelet/container_root.h"

namespace ray_gitops::local_cluster {
namespace {

constexpr int k_kill_rounds_max = 1000;
constexpr useconds_t k_kill_pause_microseconds = 1000;
constexpr std::size_t k_start_report_bytes_max = 4096;

// What container runtimes leave to root in a container, but making devices: there is no device
// control here.
constexpr int k_kept_capabilities[] = {
    CAP_CHOWN,   CAP_DAC_OVERRIDE, CAP_FOWNER,     CAP_FSETID,  CAP_KILL,
    CAP_SETGID,  CAP_SETUID,       CAP_SETPCAP,    CAP_SETFCAP, CAP_NET_BIND_SERVICE,
    CAP_NET_RAW, CAP_SYS_CHROOT,   CAP_AUDIT_WRITE};

void raise_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  if (limit.rlim_max < k_open_files) {
    const rlimit wanted{k_open_files, k_open_files};
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0) return;
  }
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, k_open_files);
  setrlimit(RLIMIT_NOFILE, &limit);
}

Result<void> drop_rights(const ContainerPlan& container) {
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    const bool kept = std::find(std::begin(k_kept_capabilities), std::end(k_kept_capabilities),
                                capability) != std::end(k_kept_capabilities);
    if (!kept && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      return fail_with_errno("dropping a capability");
    }
  }
  const gid_t group = container.group;
  if (setgroups(1, &group) != 0) return fail_with_errno("setgroups");
  if (setresgid(group, group, group) != 0) return fail_with_errno("setresgid");
  if (setresuid(container.user, container.user, container.user) != 0) {
    return fail_with_errno("setresuid");
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_with_errno("no_new_privs");
  return {};
}

void reset_signals() {
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Does not return when it works.
Result<void> execute(const ContainerPlan& container, const std::vector<std::string>& command) {
  if (chdir(container.working_directory.c_str()) != 0) {
    return fail_with_errno(container.working_directory);
  }
  raise_open_files();
  TRY(drop_rights(container));
  clearenv();
  for (const auto& [name, value] : container.environment) setenv(name.c_str(), value.c_str(), 1);
  const std::vector<char*> arguments = argument_pointers(command);
  execvp(arguments[0], arguments.data());
  return fail_with_errno(command.front());
}

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

Result<Pipe> open_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail_with_errno("pipe");
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

[[noreturn]] void become(const std::function<Result<void>()>& enter, const ContainerPlan& container,
                         const std::vector<std::string>& command, int output, int errors) {
  setsid();
  reset_signals();
  umask(022);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(nothing, 0);
  dup2(output, 1);
  dup2(output, 2);
  auto result = enter();
  // The first line is for whoever has to find what this process leaves behind.
  std::string report = read_mount_namespace(getpid()) + "\n";
  static_cast<void>(!write(errors, report.data(), report.size()));
  if (result) result = execute(container, command);
  report = describe(result.error());
  static_cast<void>(!write(errors, report.data(), report.size()));
  _exit(127);
}

// To its end: the pipe closes when the command runs, or has said why it does not.
std::string read_report(int fd) {
  std::string report;
  std::array<char, k_start_report_bytes_max> buffer{};
  while (report.size() < k_start_report_bytes_max) {
    const ssize_t size = read(fd, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    report.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return report;
}

Result<ContainerProcess> start(const ContainerPlan& container,
                               const std::vector<std::string>& command,
                               const std::function<Result<void>()>& enter) {
  Pipe output = TRY(open_pipe());
  Pipe errors = TRY(open_pipe());
  const pid_t pid = fork();
  if (pid < 0) return fail_with_errno("fork");
  if (pid == 0) become(enter, container, command, output.write.get(), errors.write.get());
  output.write.reset();
  errors.write.reset();
  const std::string report = read_report(errors.read.get());
  const auto line_end = report.find('\n');
  if (line_end == std::string::npos || line_end + 1 < report.size()) {
    waitpid(pid, nullptr, 0);
    return fail(ErrorCode::Unavailable, report.substr(line_end + 1));
  }
  fcntl(output.read.get(), F_SETFL, O_NONBLOCK);
  return ContainerProcess{pid, std::move(output.read), report.substr(0, line_end)};
}

}  // namespace

Result<ContainerProcess> start_container(const PodProcessPlan& plan, const ContainerPlan& container,
                                         const PodDirectory& directory) {
  TRY(reset_container_files(container, directory));
  return start(container, container.command,
               [&] { return enter_container_root(plan, container, directory); });
}

Result<ContainerProcess> start_inside(const ContainerPlan& container,
                                      const std::vector<std::string>& command, pid_t main_process) {
  const std::string path = "/proc/" + std::to_string(main_process) + "/ns/mnt";
  const FileDescriptor mounts(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!mounts.is_open()) return fail_with_errno(path);
  return start(container, command, [&]() -> Result<void> {
    if (setns(mounts.get(), CLONE_NEWNS) != 0) return fail_with_errno("setns");
    return {};
  });
}

std::string read_mount_namespace(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/mnt";
  std::array<char, 64> target{};
  const ssize_t size = readlink(path.c_str(), target.data(), target.size());
  return size <= 0 ? std::string() : std::string(target.data(), static_cast<std::size_t>(size));
}

void kill_mount_namespace(const std::string& mount_namespace) {
  if (mount_namespace.empty()) return;
  for (int round = 0; round < k_kill_rounds_max; ++round) {
    bool found = false;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
      const std::string name = entry.path().filename().string();
      pid_t pid = 0;
      const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
      if (parsed.ec != std::errc{} || parsed.ptr != name.data() + name.size() || pid == 1) continue;
      if (read_mount_namespace(pid) != mount_namespace) continue;
      kill(pid, SIGKILL);
      found = true;
    }
    if (!found) return;
    usleep(k_kill_pause_microseconds);
  }
}

}  // namespace ray_gitops::local_cluster
