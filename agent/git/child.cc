#include "agent/git/child.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

namespace ray_gitops::git {
namespace {

tl::unexpected<Error> spawn_failure(const std::string& program, int number) {
  return fail(ErrorCode::Unavailable,
              std::string("the Git child cannot be started: ") + std::strerror(number), program);
}

struct Pipe {
  Descriptor read_end;
  Descriptor write_end;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> fds{};
  if (pipe2(fds.data(), O_CLOEXEC) != 0) return spawn_failure("pipe", errno);
  return Pipe{Descriptor(fds[0]), Descriptor(fds[1])};
}

void stop_blocking(const Descriptor& end) {
  fcntl(end.get(), F_SETFL, fcntl(end.get(), F_GETFL) | O_NONBLOCK);
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The loop ignores SIGPIPE and blocks signals; neither is for the child.
class SpawnSettings {
 public:
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    sigset_t all;
    sigfillset(&all);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

}  // namespace

void Descriptor::close_now() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Result<Child> spawn_child(const std::vector<std::string>& command) {
  if (command.empty()) return spawn_failure("", ENOENT);
  Pipe input = TRY(make_pipe());
  Pipe output = TRY(make_pipe());
  Pipe errors = TRY(make_pipe());
  SpawnSettings settings;
  posix_spawn_file_actions_adddup2(&settings.actions, input.read_end.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&settings.actions, output.write_end.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&settings.actions, errors.write_end.get(), STDERR_FILENO);
  std::vector<std::string> arguments = command;
  std::vector<std::string> environment{"HOME=/nonexistent", "LANG=C.UTF-8", "PATH=/usr/bin:/bin"};
  pid_t pid = -1;
  const int number =
      posix_spawn(&pid, command.front().c_str(), &settings.actions, &settings.attributes,
                  pointers_to(arguments).data(), pointers_to(environment).data());
  if (number != 0) return spawn_failure(command.front(), number);
  for (const Descriptor* end : {&input.write_end, &output.read_end, &errors.read_end})
    stop_blocking(*end);
  return Child{pid, std::move(input.write_end), std::move(output.read_end),
               std::move(errors.read_end)};
}

}  // namespace ray_gitops::git
