#pragma once
// Files and folders of the program's own: small reads, private folders, a lock that says that
// another process is at work.

#include <cstddef>
#include <string>

#include "reconcilers/model/result.h"

namespace ray_gitops::app {

// At most `bytes_max` bytes; larger is LimitExceeded, missing is NotFound.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

// The folder and its parents, 0700 for what is made.
Result<void> make_private_directory(const std::string& path);

// The path of this program, to run it as a hidden command.
std::string own_path();

// $NAME, or the text after it.
std::string environment_or(const char* name, const std::string& otherwise);

// An exclusive lock on a file, held until the object goes or the process ends, however it ends.
class FileLock {
 public:
  // AlreadyExists when another process holds it.
  static Result<FileLock> take(const std::string& path);
  FileLock(FileLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

  // The text in the locked file: written by the first holder, kept for the ones after it.
  Result<std::string> read_or_write(const std::string& first_text);

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace ray_gitops::app
