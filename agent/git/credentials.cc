#include "agent/git/credentials.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/git/child.h"
#include "reconcilers/manifest/compression.h"

namespace ray_gitops::git {
namespace {

// A group may read: that is how Kubernetes gives a Secret to a Pod that does not run as root.
constexpr mode_t k_forbidden_mode = S_IWGRP | S_IRWXO;

tl::unexpected<Error> cannot_read(int number, const std::string& path) {
  const ErrorCode code = number == ENOENT   ? ErrorCode::NotFound
                         : number == EACCES ? ErrorCode::Forbidden
                                            : ErrorCode::Unavailable;
  return fail(code, std::string("the credentials cannot be read: ") + std::strerror(number), path);
}

Result<void> check_file(int fd, const std::string& path) {
  struct stat status{};
  if (fstat(fd, &status) != 0) return cannot_read(errno, path);
  if (!S_ISREG(status.st_mode))
    return fail(ErrorCode::InvalidInput, "the credentials are in no regular file", path);
  if (status.st_uid != 0 && status.st_uid != geteuid())
    return fail(ErrorCode::Forbidden, "the file of the credentials belongs to another user", path);
  if ((status.st_mode & k_forbidden_mode) != 0)
    return fail(ErrorCode::Forbidden,
                "others may read or write the credentials: make the file's mode 0600 or 0440",
                path);
  return {};
}

Result<std::string> read_file(const std::string& path) {
  // Not blocking: opening a pipe would wait for its writer.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return cannot_read(errno, path);
  TRY(check_file(file.get(), path));
  std::string bytes(k_credential_bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t count = read(file.get(), bytes.data() + size, bytes.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(errno, path);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > k_credential_bytes_max)
    return fail(ErrorCode::LimitExceeded,
                "the file of the credentials has more than " +
                    std::to_string(k_credential_bytes_max) + " bytes",
                path);
  bytes.resize(size);
  return bytes;
}

Result<std::string> read_credential(const std::string& path) {
  auto credential = parse_credential(TRY(read_file(path)));
  if (!credential) return fail(credential.error().code, credential.error().message, path);
  return credential;
}

void mask(std::string& text, const std::string& secret) {
  for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
    text.replace(at, secret.size(), "***");
}

}  // namespace

Result<std::string> parse_credential(std::string_view bytes) {
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  if (bytes.ends_with('\r')) bytes.remove_suffix(1);
  if (bytes.empty()) return fail(ErrorCode::InvalidInput, "the file of the credentials is empty");
  const bool printable = std::all_of(bytes.begin(), bytes.end(), [](char character) {
    return character > ' ' && character < '\x7f';
  });
  if (!printable)
    return fail(ErrorCode::InvalidInput,
                "the file of the credentials does not hold one line without spaces");
  return std::string(bytes);
}

Result<std::optional<Credentials>> read_credentials(const CredentialSource& source) {
  if (source.token_file.empty()) return std::nullopt;
  Credentials credentials;
  credentials.username =
      source.username_file.empty() ? source.username : TRY(read_credential(source.username_file));
  // RFC 7617: it would end the user name.
  if (credentials.username.find(':') != std::string::npos)
    return fail(ErrorCode::InvalidInput, "the user name has a colon in it", source.username_file);
  credentials.token = TRY(read_credential(source.token_file));
  return credentials;
}

std::string without_credentials(std::string text, const Credentials& credentials) {
  mask(text, base64_encode(credentials.username + ":" + credentials.token));
  mask(text, credentials.token);
  return text;
}

}  // namespace ray_gitops::git
