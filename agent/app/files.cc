#include "agent/app/files.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ray_gitops::app {
namespace {

tl::unexpected<Error> system_failure(const std::string& path) {
  const int number = errno;
  const ErrorCode code = number == ENOENT                      ? ErrorCode::NotFound
                         : number == EACCES || number == EPERM ? ErrorCode::Forbidden
                                                               : ErrorCode::Unavailable;
  return fail(code, std::generic_category().message(number), path);
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return fail(ErrorCode::NotFound, error.message(), path);
  if (size > bytes_max) return fail(ErrorCode::LimitExceeded, "the file is too large", path);
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) return fail(ErrorCode::Forbidden, "the file cannot be read", path);
  return text;
}

Result<void> make_private_directory(const std::string& path) {
  const mode_t before = ::umask(0077);
  std::error_code error;
  std::filesystem::create_directories(path, error);
  ::umask(before);
  if (error) return fail(ErrorCode::Forbidden, error.message(), path);
  return {};
}

std::string own_path() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

std::string environment_or(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

Result<FileLock> FileLock::take(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return system_failure(path);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return FileLock{fd};
  ::close(fd);
  return fail(ErrorCode::AlreadyExists, "another process holds the lock", path);
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::string> FileLock::read_or_write(const std::string& first_text) {
  std::array<char, 256> buffer{};
  const ssize_t size = ::pread(fd_, buffer.data(), buffer.size(), 0);
  if (size < 0) return system_failure("lock file");
  if (size > 0) return std::string(buffer.data(), static_cast<std::size_t>(size));
  if (::pwrite(fd_, first_text.data(), first_text.size(), 0) !=
      static_cast<ssize_t>(first_text.size()))
    return system_failure("lock file");
  return first_text;
}

}  // namespace ray_gitops::app
