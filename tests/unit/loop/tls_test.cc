// Against `openssl s_server`: who is trusted, and who we say we are.

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/loop/loop.h"
#include "tests/unit/loop/run_until.h"

namespace ray_gitops {
namespace {

using test::run_until;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

class Tls : public testing::Test {
 protected:
  Tls() {
    std::string name = std::filesystem::temp_directory_path() / "rg-tls-XXXXXX";
    folder_ = mkdtemp(name.data());
    make_identity("server");
    make_identity("client");
  }
  ~Tls() override {
    if (server_ > 0) {
      kill(server_, SIGKILL);
      waitpid(server_, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
  }

  // A certificate that is its own authority, good for 127.0.0.1 and no other name.
  void make_identity(const std::string& name) {
    const std::string command =
        "cd " + folder_.string() +
        " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        " -subj /CN=" +
        name + " -addext subjectAltName=IP:127.0.0.1 -keyout " + name + ".key -out " + name +
        ".crt 2>/dev/null";
    ASSERT_EQ(0, std::system(command.c_str()));
  }

  std::string pem(const std::string& file) { return read_file(folder_ / file); }

  // Gives the port.
  std::string serve(const std::vector<std::string>& more) {
    std::vector<std::string> words{"openssl", "s_server",   "-www", "-accept",   "127.0.0.1:0",
                                   "-cert",   "server.crt", "-key", "server.key"};
    words.insert(words.end(), more.begin(), more.end());
    std::array<int, 2> output{};
    EXPECT_EQ(0, pipe2(output.data(), O_CLOEXEC));
    server_ = fork();
    if (server_ == 0) {
      std::vector<char*> arguments;
      for (std::string& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      dup2(output[1], STDOUT_FILENO);
      dup2(open("/dev/null", O_RDWR | O_CLOEXEC), STDERR_FILENO);
      if (chdir(folder_.c_str()) == 0) execvp("openssl", arguments.data());
      _exit(127);
    }
    close(output[1]);
    std::string text;
    bool closed = false;
    loop_.watch_fd(output[0], {.readable = true}, [&](FdReady) {
      std::array<char, 256> bytes{};
      const ssize_t size = read(output[0], bytes.data(), bytes.size());
      if (size > 0) text.append(bytes.data(), static_cast<std::size_t>(size));
      closed = size <= 0;
    });
    const std::string announcement = "ACCEPT 127.0.0.1:";
    const auto line_end = [&] { return text.find('\n', text.find(announcement)); };
    EXPECT_TRUE(run_until(loop_, [&] {
      return closed ||
             (text.find(announcement) != std::string::npos && line_end() != std::string::npos);
    }));
    loop_.unwatch_fd(output[0]);
    close(output[0]);
    const auto begin = text.find(announcement) + announcement.size();
    return text.substr(begin, text.find('\n', begin) - begin);
  }

  Result<HttpResponse> get(const std::string& host, const std::string& port,
                           std::shared_ptr<const TlsIdentity> tls) {
    std::optional<Result<HttpResponse>> result;
    HttpRequest request;
    request.url = "https://" + host + ":" + port + "/";
    request.tls = std::move(tls);
    loop_.start_transfer(request, {.on_data = {}, .on_done = [&](Result<HttpResponse> answer) {
                                     result = std::move(answer);
                                   }});
    EXPECT_TRUE(run_until(loop_, [&] { return result.has_value(); }));
    return *result;
  }

  static std::shared_ptr<const TlsIdentity> identity(const std::string& authority,
                                                     const std::string& certificate = {},
                                                     const std::string& key = {}) {
    return std::make_shared<const TlsIdentity>(TlsIdentity{authority, certificate, key});
  }

  Loop loop_;
  std::filesystem::path folder_;
  pid_t server_ = 0;
};

TEST_F(Tls, trusts_the_given_authority_and_no_other) {
  const std::string port = serve({});
  const auto trusted = get("127.0.0.1", port, identity(pem("server.crt")));
  ASSERT_TRUE(trusted) << describe(trusted.error());
  EXPECT_EQ(trusted->status, 200);
  for (const auto& other : {identity(pem("client.crt")), identity(""), identity("not PEM"),
                            std::shared_ptr<const TlsIdentity>{}}) {
    const auto refused = get("127.0.0.1", port, other);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Unavailable);
  }
}

TEST_F(Tls, refuses_a_certificate_of_another_name) {
  const auto refused = get("localhost", serve({}), identity(pem("server.crt")));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Unavailable);
}

TEST_F(Tls, shows_its_certificate_where_the_server_asks_for_one) {
  const std::string port = serve({"-Verify", "1", "-verify_return_error", "-CAfile", "client.crt"});
  EXPECT_FALSE(get("127.0.0.1", port, identity(pem("server.crt"))));
  const auto known =
      get("127.0.0.1", port, identity(pem("server.crt"), pem("client.crt"), pem("client.key")));
  EXPECT_TRUE(known) << describe(known.error());
}

}  // namespace
}  // namespace ray_gitops
