#include "agent/local_cluster/kubelet/process.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ray_gitops::local_cluster {
namespace {

constexpr std::size_t k_proc_file_bytes_max = 64UL * 1024;

// The 22nd field; the second may hold spaces and parentheses.
Result<std::uint64_t> parse_start_ticks(const std::string& stat) {
  std::size_t position = stat.rfind(')');
  for (int field = 2; field < 22 && position != std::string::npos; ++field) {
    position = stat.find(' ', position + 1);
  }
  std::uint64_t ticks = 0;
  if (position == std::string::npos ||
      std::from_chars(stat.data() + position + 1, stat.data() + stat.size(), ticks).ec !=
          std::errc{}) {
    return fail(ErrorCode::NotFound, "the process has no start time");
  }
  return ticks;
}

bool has_ended(const std::string& stat) {
  const std::size_t name_end = stat.rfind(')');
  const char state = name_end + 2 < stat.size() ? stat[name_end + 2] : 'X';
  return state == 'Z' || state == 'X';
}

struct Pipes {
  FileDescriptor input_read, input_write, output_read, output_write;
};

Result<Pipes> open_pipes() {
  std::array<int, 2> input{};
  std::array<int, 2> output{};
  if (pipe2(input.data(), O_CLOEXEC) != 0) return fail_with_errno("pipe");
  Pipes pipes{FileDescriptor(input[0]), FileDescriptor(input[1]), {}, {}};
  if (pipe2(output.data(), O_CLOEXEC) != 0) return fail_with_errno("pipe");
  pipes.output_read = FileDescriptor(output[0]);
  pipes.output_write = FileDescriptor(output[1]);
  return pipes;
}

Result<pid_t> spawn_program(const std::vector<std::string>& command, const Pipes& pipes) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipes.input_read.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, pipes.output_write.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, pipes.output_write.get(), 2);
  const Result<pid_t> pid = spawn_clean(command, &actions, 0);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

// Until the end of the output, or the deadline (false).
bool read_output(int fd, std::string& output) {
  const auto deadline = std::chrono::steady_clock::now() + k_program_time_max;
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto left =
        std::chrono::duration_cast<Duration>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd ready{fd, POLLIN, 0};
    if (poll(&ready, 1, static_cast<int>(left.count())) <= 0) continue;
    const ssize_t size = read(fd, buffer.data(), buffer.size());
    if (size <= 0) return true;
    if (output.size() < k_program_output_bytes_max) {
      output.append(buffer.data(), static_cast<std::size_t>(size));
    }
  }
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int FileDescriptor::release() { return std::exchange(fd_, -1); }

void FileDescriptor::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

tl::unexpected<Error> fail_with_errno(const std::string& what) {
  const int number = errno;
  const ErrorCode code = number == ENOENT || number == ESRCH   ? ErrorCode::NotFound
                         : number == EPERM || number == EACCES ? ErrorCode::Forbidden
                                                               : ErrorCode::Unavailable;
  return fail(code, what + ": " + std::strerror(number));
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return fail_with_errno(path);
  std::string content;
  std::array<char, 16UL * 1024> buffer{};
  for (;;) {
    const ssize_t size = read(file.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail_with_errno(path);
    if (size == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(size));
    if (content.size() > bytes_max) {
      return fail(ErrorCode::LimitExceeded, "the file is too large", path);
    }
  }
}

Result<void> write_file(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".new";
  FileDescriptor file(
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return fail_with_errno(temporary);
  while (!content.empty()) {
    const ssize_t size = write(file.get(), content.data(), content.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail_with_errno(temporary);
    content.remove_prefix(static_cast<std::size_t>(size));
  }
  file.reset();
  if (rename(temporary.c_str(), path.c_str()) != 0) return fail_with_errno(path);
  return {};
}

Result<ProcessIdentity> read_identity(pid_t pid) {
  const std::string stat =
      TRY(read_file("/proc/" + std::to_string(pid) + "/stat", k_proc_file_bytes_max));
  if (has_ended(stat)) return fail(ErrorCode::NotFound, "the process has ended");
  std::string boot_id = TRY(read_file("/proc/sys/kernel/random/boot_id", k_proc_file_bytes_max));
  while (boot_id.ends_with('\n')) boot_id.pop_back();
  return ProcessIdentity{pid, TRY(parse_start_ticks(stat)), std::move(boot_id)};
}

Result<FileDescriptor> open_process(const ProcessIdentity& identity) {
  if (identity.pid <= 0) return fail(ErrorCode::NotFound, "there is no such process");
  // Through syscall(2): the header of glibc 2.36 cannot be used from C++.
  FileDescriptor process(static_cast<int>(syscall(SYS_pidfd_open, identity.pid, 0)));
  if (!process.is_open()) return fail_with_errno("the process");
  // Read after the pidfd is held: it is the same process, or it is another one for good.
  const ProcessIdentity live = TRY(read_identity(identity.pid));
  if (!(live == identity)) return fail(ErrorCode::NotFound, "the process number was used again");
  return process;
}

Result<void> send_signal(const FileDescriptor& process, int signal) {
  if (syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) != 0) {
    return fail_with_errno("signal");
  }
  return {};
}

std::vector<char*> argument_pointers(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  return arguments;
}

Result<pid_t> spawn_clean(const std::vector<std::string>& command,
                          const posix_spawn_file_actions_t* actions, int more_flags) {
  const std::vector<char*> arguments = argument_pointers(command);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  sigset_t all;
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(
      &attributes, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | more_flags));
  pid_t pid = 0;
  const int failed =
      posix_spawnp(&pid, command.front().c_str(), actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (failed == 0) return pid;
  errno = failed;
  return fail_with_errno("cannot run " + command.front());
}

Result<std::string> run_program(const std::vector<std::string>& command, std::string_view input) {
  Pipes pipes = TRY(open_pipes());
  const pid_t pid = TRY(spawn_program(command, pipes));
  pipes.input_read.reset();
  pipes.output_write.reset();
  // Input is small (below the pipe's 64 KiB): it cannot block.
  const bool written = write(pipes.input_write.get(), input.data(), input.size()) ==
                       static_cast<ssize_t>(input.size());
  pipes.input_write.reset();
  std::string output;
  const bool in_time = read_output(pipes.output_read.get(), output);
  if (!in_time) kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (in_time && written && WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
  while (output.ends_with('\n')) output.pop_back();
  return fail(ErrorCode::Unavailable,
              command.front() + (in_time ? " failed: " : " took too long: ") + output);
}

}  // namespace ray_gitops::local_cluster
