#pragma once
// Processes of this host, and small files: what supervisor and kubelet share.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <spawn.h>
#include <sys/types.h>

#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::local_cluster {

// A closed-on-exec file descriptor that closes itself.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

// A process that cannot be mistaken for a later one of the same number, also after a reboot.
struct ProcessIdentity {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  // field 22 of /proc/PID/stat
  std::string boot_id;            // /proc/sys/kernel/random/boot_id
  friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

// NotFound when there is no such process.
Result<ProcessIdentity> read_identity(pid_t pid);
// A pidfd of exactly this process: readable when it has ended. NotFound when it is gone.
Result<FileDescriptor> open_process(const ProcessIdentity& identity);
Result<void> send_signal(const FileDescriptor& process, int signal);

// The whole file. LimitExceeded above `bytes_max`.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);
// Replaces the file in one step (a reader sees the old or the new one); mode 0600.
Result<void> write_file(const std::string& path, std::string_view content);

// "what: No such file or directory", from errno.
tl::unexpected<Error> fail_with_errno(const std::string& what);

// For exec and posix_spawn: ends with null and points into `command`.
std::vector<char*> argument_pointers(const std::vector<std::string>& command);
// Starts a program found in PATH with an empty signal mask and default handlers. `actions` may be
// null; `more_flags` are POSIX_SPAWN_... ones.
Result<pid_t> spawn_clean(const std::vector<std::string>& command,
                          const posix_spawn_file_actions_t* actions, int more_flags);

// Runs a program found in PATH to its end with `input` on stdin. Unavailable, with what it said,
// when it cannot be run, does not end with 0 or takes longer than k_program_time_max.
Result<std::string> run_program(const std::vector<std::string>& command,
                                std::string_view input = {});
constexpr Duration k_program_time_max{10'000};
constexpr std::size_t k_program_output_bytes_max = 1024UL * 1024;

}  // namespace ray_gitops::local_cluster
