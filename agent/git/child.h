#pragma once
// A child process with pipes on its standard streams.

#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "reconcilers/model/result.h"

namespace ray_gitops::git {

// Closes its descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close_now(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  void close_now();

 private:
  int fd_ = -1;
};

struct Child {
  pid_t pid = -1;
  Descriptor input;  // our ends, not blocking
  Descriptor output;
  Descriptor errors;
};

// Starts `command` (a program's path and its arguments) with an environment of its own, without
// anything of ours: no credentials, no proxies, no GIT_ variables. Unavailable when that fails.
Result<Child> spawn_child(const std::vector<std::string>& command);

}  // namespace ray_gitops::git
