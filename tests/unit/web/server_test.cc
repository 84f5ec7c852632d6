#include "agent/web/server.h"

#include <optional>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/loop/run_until.h"

namespace ray_gitops::web {
namespace {

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = Server::start(loop, "127.0.0.1:0", [this](const std::string& path) {
      asked.push_back(path);
      return path == "/big" ? Answer{200, "text/plain", std::string(k_big, 'x')}
                            : Answer{path == "/none" ? 404 : 200, "text/plain", "hello " + path};
    });
    ASSERT_TRUE(started) << describe(started.error());
    server = std::move(*started);
  }

  Result<HttpResponse> get(const std::string& path, const std::string& method = "GET",
                           const std::string& body = "") {
    std::optional<Result<HttpResponse>> answer;
    HttpRequest request;
    request.method = method;
    request.body = body;
    request.url = "http://127.0.0.1:" + std::to_string(server->port()) + path;
    request.response_bytes_max = 2 * k_big;
    HttpHandlers handlers;
    handlers.on_done = [&](Result<HttpResponse> result) { answer = std::move(result); };
    loop.start_transfer(std::move(request), std::move(handlers));
    ray_gitops::test::run_until(loop, [&] { return answer.has_value(); });
    return answer.value_or(fail(ErrorCode::Unavailable, "no answer"));
  }

  int connect_to_it() const {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(server->port()));
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return fd;
  }

  static constexpr std::size_t k_big = 4UL * 1024 * 1024;
  Loop loop;
  std::vector<std::string> asked;
  std::unique_ptr<Server> server;
};

TEST_F(ServerTest, answers_what_the_handler_says) {
  const Result<HttpResponse> answer = get("/metrics?name=x");
  ASSERT_TRUE(answer) << describe(answer.error());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "hello /metrics");
  EXPECT_EQ(answer->headers.at("content-type"), "text/plain");
  EXPECT_EQ(get("/none")->status, 404);
}

TEST_F(ServerTest, sends_an_answer_that_fits_into_no_socket) {
  const Result<HttpResponse> answer = get("/big");
  ASSERT_TRUE(answer) << describe(answer.error());
  EXPECT_EQ(answer->body.size(), k_big);
}

TEST_F(ServerTest, takes_nothing_but_GET) {
  const Result<HttpResponse> answer = get("/metrics", "POST");
  ASSERT_TRUE(answer) << describe(answer.error());
  EXPECT_EQ(answer->status, 405);
  EXPECT_TRUE(asked.empty());
}

TEST_F(ServerTest, serves_on_when_somebody_sends_a_body_or_garbage) {
  const Result<HttpResponse> refused = get("/metrics", "POST", std::string(100'000, 'x'));
  EXPECT_TRUE(!refused || refused->status == 405);
  const int fd = connect_to_it();
  const std::string garbage = "\x16\x03\x01 no request\r\n\r\n";
  EXPECT_EQ(send(fd, garbage.data(), garbage.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(garbage.size()));
  EXPECT_EQ(get("/again")->body, "hello /again");
  close(fd);
}

TEST_F(ServerTest, refuses_headers_that_are_too_long) {
  const Result<HttpResponse> answer = get("/" + std::string(2 * k_connection_bytes_max, 'x'));
  EXPECT_TRUE(!answer || answer->status >= 400);
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(get("/again")->status, 200);
}

TEST_F(ServerTest, serves_no_more_connections_than_its_limit_and_the_next_when_one_ends) {
  std::vector<int> idle;
  for (unsigned count = 0; count < k_connections_max; ++count) idle.push_back(connect_to_it());
  std::optional<Result<HttpResponse>> answer;
  HttpRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(server->port()) + "/late";
  HttpHandlers handlers;
  handlers.on_done = [&](Result<HttpResponse> result) { answer = std::move(result); };
  loop.start_transfer(std::move(request), std::move(handlers));
  ray_gitops::test::run_until(loop, [&] { return answer.has_value(); }, Duration{300});
  EXPECT_FALSE(answer) << "while all places are taken";
  for (const int fd : idle) close(fd);
  EXPECT_TRUE(ray_gitops::test::run_until(loop, [&] { return answer.has_value(); }));
  EXPECT_EQ(answer.value()->body, "hello /late");
}

TEST_F(ServerTest, is_refused_an_address_that_is_taken) {
  const auto second = Server::start(loop, "127.0.0.1:" + std::to_string(server->port()),
                                    [](const std::string&) { return Answer{}; });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::Unavailable);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos) << second.error().message;
}

TEST(ListenAddress, is_a_numeric_address_and_a_port) {
  EXPECT_EQ(parse_listen_address("0.0.0.0:8080")->port, 8080);
  EXPECT_EQ(parse_listen_address("[::]:1")->host, "::");
  for (const char* text : {"", "8080", ":8080", "localhost:8080", "1.2.3:1", "0.0.0.0:65536",
                           "0.0.0.0:", "0.0.0.0:8x", "::1:80", "[::1]", "0.0.0.0:-1"})
    EXPECT_FALSE(parse_listen_address(text)) << text;
}

}  // namespace
}  // namespace ray_gitops::web
