#include "agent/local_cluster/server/open.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/local_cluster/store/base64.h"

namespace ray_gitops::local_cluster {
namespace {

constexpr std::size_t k_token_bytes = 32;

tl::unexpected<Error> system_failure(const std::string& what, const std::string& path) {
  return fail(ErrorCode::Unavailable, what + ": " + std::strerror(errno), path);
}

Result<void> make_private_directory(const std::string& path) {
  if (mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    return system_failure("the state directory cannot be made", path);
  return {};
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  // Never fails or falls short for so few bytes once the kernel has started.
  const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
  return got == static_cast<ssize_t>(count) ? bytes : std::string{};
}

std::string to_hexadecimal(std::string_view bytes) {
  constexpr std::string_view k_digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += k_digits[static_cast<unsigned char>(c) >> 4U];
    text += k_digits[static_cast<unsigned char>(c) & 15U];
  }
  return text;
}

bool write_all(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Nobody sees a half-written file, and nobody but its owner can ever read it.
Result<void> write_private_file(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".new";
  if (unlink(temporary.c_str()) != 0 && errno != ENOENT)
    return system_failure("an old temporary file cannot be removed", temporary);
  const int file =
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) return system_failure("the file cannot be made", temporary);
  const bool written = write_all(file, content) && fsync(file) == 0;
  if (close(file) != 0 || !written) return system_failure("the file cannot be written", temporary);
  if (rename(temporary.c_str(), path.c_str()) != 0)
    return system_failure("the file cannot be put in its place", path);
  return {};
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Result<std::string> read_or_make_token(const std::string& path) {
  std::string token = read_file(path);
  if (token.size() == 2 * k_token_bytes) return token;
  token = to_hexadecimal(random_bytes(k_token_bytes));
  if (token.empty()) return fail(ErrorCode::Unavailable, "the system gives no random bytes");
  TRY(write_private_file(path, token));
  return token;
}

Result<Certificate> read_or_make_certificate(const std::string& path, WallTime now) {
  Certificate certificate{read_file(path + ".crt"), read_file(path + ".key")};
  if (make_tls_context(certificate)) return certificate;
  certificate = TRY(make_certificate(now));
  TRY(write_private_file(path + ".key", certificate.key_pem));
  TRY(write_private_file(path + ".crt", certificate.certificate_pem));
  return certificate;
}

}  // namespace

Result<OpenedStore> open_store(const std::string& state_directory, WallTime now) {
  TRY(make_private_directory(state_directory));
  Database database = TRY(Database::open(state_directory + "/objects.db"));
  const SavedObjects saved = TRY(database.load());
  const std::string seed = random_bytes(sizeof(std::uint64_t));
  if (seed.empty()) return fail(ErrorCode::Unavailable, "the system gives no random bytes");
  StoreOptions options{.keeps_unsaved = true};
  std::memcpy(&options.uid_seed, seed.data(), seed.size());
  Store store(options);
  store.restore(saved.revision, saved.objects);
  store.bootstrap(now);
  return OpenedStore{std::move(store), std::move(database)};
}

Result<Credentials> read_or_make_credentials(const std::string& state_directory, WallTime now) {
  TRY(make_private_directory(state_directory));
  std::string token = TRY(read_or_make_token(state_directory + "/token"));
  Certificate certificate = TRY(read_or_make_certificate(state_directory + "/tls", now));
  return Credentials{std::move(token), std::move(certificate)};
}

std::uint16_t read_port(const std::string& state_directory) {
  const std::string text = read_file(state_directory + "/port");
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && stop == end ? port : std::uint16_t{0};
}

Result<void> save_port(const std::string& state_directory, std::uint16_t port) {
  return write_private_file(state_directory + "/port", std::to_string(port));
}

Result<void> write_kubeconfig(const std::string& path, const std::string& url,
                              const Credentials& credentials) {
  const std::string name = "ray-gitops-local";
  return write_private_file(
      path, "apiVersion: v1\nkind: Config\ncurrent-context: " + name + "\nclusters:\n- name: " +
                name + "\n  cluster:\n    server: " + url + "\n    certificate-authority-data: " +
                to_base64(credentials.certificate.certificate_pem) + "\nusers:\n- name: " + name +
                "\n  user:\n    token: " + credentials.token + "\ncontexts:\n- name: " + name +
                "\n  context:\n    cluster: " + name + "\n    user: " + name +
                "\n    namespace: default\n");
}

}  // namespace ray_gitops::local_cluster
