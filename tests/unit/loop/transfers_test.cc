#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "agent/loop/loop.h"
#include "tests/unit/loop/loopback_server.h"
#include "tests/unit/loop/run_until.h"

namespace ray_gitops {
namespace {

using test::Exchange;
using test::LoopbackServer;
using test::run_until;
using test::SeenRequest;
using ExchangePtr = std::shared_ptr<Exchange>;

struct Answer {
  std::optional<Result<HttpResponse>> result;
  HttpHandlers handlers() {
    return {.on_data = {}, .on_done = [this](Result<HttpResponse> answer) {
              EXPECT_FALSE(result.has_value()) << "answered twice";
              result = std::move(answer);
            }};
  }
  bool here() const { return result.has_value(); }
  bool failed_with(ErrorCode code) const {
    return result && !result->has_value() && result->error().code == code;
  }
};

HttpRequest get(const std::string& url) {
  HttpRequest request;
  request.url = url;
  return request;
}

TEST(Transfers, go_by_a_proxy_but_to_hosts_that_are_excepted) {
  Loop loop;
  LoopbackServer proxy{loop, [](const SeenRequest&, const ExchangePtr& exchange) {
                         exchange->answer(200, "by the proxy");
                       }};
  LoopbackServer server{loop, [](const SeenRequest&, const ExchangePtr& exchange) {
                          exchange->answer(200, "directly");
                        }};
  const auto body_with = [&](const std::string& by, const std::string& excepted) {
    HttpRequest request = get(server.url() + "/x");
    request.proxy = by;
    request.no_proxy = excepted;
    Answer answer;
    loop.start_transfer(request, answer.handlers());
    EXPECT_TRUE(run_until(loop, [&] { return answer.here(); }));
    return *answer.result ? (*answer.result)->body : describe(answer.result->error());
  };
  EXPECT_EQ(body_with("", ""), "directly");
  EXPECT_EQ(body_with(proxy.url(), ""), "by the proxy");
  EXPECT_EQ(proxy.requests().at(0).target, server.url() + "/x");
  EXPECT_EQ(body_with(proxy.url(), "example.com,127.0.0.0/8"), "directly");
}

TEST(Transfers, use_no_proxy_of_the_environment) {
  Loop loop;
  LoopbackServer server{loop, [](const SeenRequest&, const ExchangePtr& exchange) {
                          exchange->answer(200, "directly");
                        }};
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  Answer answer;
  loop.start_transfer(get(server.url()), answer.handlers());
  EXPECT_TRUE(run_until(loop, [&] { return answer.here(); }));
  unsetenv("http_proxy");
  EXPECT_TRUE(*answer.result);
}

TEST(Transfers, carry_method_headers_and_body_and_give_the_answer) {
  Loop loop;
  LoopbackServer server{loop, [](const SeenRequest&, const ExchangePtr& exchange) {
                          exchange->answer(201, "made", "Retry-After: 3\r\n");
                        }};
  HttpRequest request = get(server.url() + "/a/../b?c=d");
  request.method = "PATCH";
  request.headers = {{"Authorization", "Bearer secret"}, {"Content-Type", "text/x"}};
  request.body = "the body";
  Answer answer;
  loop.start_transfer(request, answer.handlers());
  ASSERT_TRUE(run_until(loop, [&] { return answer.here(); }));
  ASSERT_TRUE(*answer.result);
  EXPECT_EQ((*answer.result)->status, 201);
  EXPECT_EQ((*answer.result)->body, "made");
  EXPECT_EQ((*answer.result)->headers.at("retry-after"), "3");
  const SeenRequest& seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "PATCH");
  EXPECT_EQ(seen.target, "/a/../b?c=d");
  EXPECT_EQ(seen.headers.at("authorization"), "Bearer secret");
  EXPECT_EQ(seen.headers.count("expect"), 0U);
  EXPECT_EQ(seen.body, "the body");
}

TEST(Transfers, use_a_connection_again) {
  Loop loop;
  LoopbackServer server{
      loop, [](const SeenRequest&, const ExchangePtr& exchange) { exchange->answer(200, ""); }};
  for (int i = 0; i < 5; ++i) {
    Answer answer;
    loop.start_transfer(get(server.url()), answer.handlers());
    ASSERT_TRUE(run_until(loop, [&] { return answer.here(); }));
  }
  EXPECT_EQ(server.connections(), 1U);
}

TEST(Transfers, stream_a_body_but_collect_that_of_an_error) {
  Loop loop;
  LoopbackServer server{loop, [](const SeenRequest& request, const ExchangePtr& exchange) {
                          if (request.target == "/bad") return exchange->answer(404, "no such");
                          exchange->begin(200);
                          exchange->piece("one ");
                          exchange->piece("two");
                          exchange->end();
                        }};
  std::string streamed;
  for (const std::string target : {"/good", "/bad"}) {
    Answer answer;
    HttpHandlers handlers = answer.handlers();
    handlers.on_data = [&](std::string_view bytes) {
      streamed += bytes;
      return true;
    };
    loop.start_transfer(get(server.url() + target), std::move(handlers));
    ASSERT_TRUE(run_until(loop, [&] { return answer.here(); }));
    ASSERT_TRUE(*answer.result);
    EXPECT_EQ((*answer.result)->body, target == "/bad" ? "no such" : "");
  }
  EXPECT_EQ(streamed, "one two");
}

TEST(Transfers, end_at_their_deadline_also_while_bytes_come) {
  Loop loop;
  LoopbackServer server{loop, [&](const SeenRequest&, const ExchangePtr& exchange) {
                          exchange->begin(200);
                          const auto drip = std::make_shared<std::function<void()>>();
                          *drip = [&loop, exchange, weak = std::weak_ptr(drip)] {
                            if (!exchange->is_open()) return;
                            exchange->piece("x");
                            loop.add_timer(Duration{5}, [keep = weak.lock()] { (*keep)(); });
                          };
                          (*drip)();
                        }};
  HttpRequest request = get(server.url());
  request.deadline = Duration{100};
  Answer answer;
  loop.start_transfer(request, answer.handlers());
  ASSERT_TRUE(run_until(loop, [&] { return answer.here(); }));
  EXPECT_TRUE(answer.failed_with(ErrorCode::Unavailable));
}

TEST(Transfers, end_when_the_server_stalls) {
  Loop loop;
  LoopbackServer server{loop, [](const SeenRequest&, const ExchangePtr& exchange) {
                          exchange->begin(200);
                          exchange->piece("and then nothing");
                        }};
  HttpRequest request = get(server.url());
  request.stall_max = Duration{50};
  Answer answer;
  loop.start_transfer(request, answer.handlers());
  ASSERT_TRUE(run_until(loop, [&] { return answer.here(); }));
  EXPECT_TRUE(answer.failed_with(ErrorCode::Unavailable));
  EXPECT_NE(answer.result->error().message.find("no byte"), std::string::npos);
}

TEST(Transfers, refuse_an_answer_over_the_limit) {
  Loop loop;
  LoopbackServer server{loop, [](const SeenRequest&, const ExchangePtr& exchange) {
                          exchange->answer(200, std::string(1001, 'x'));
                        }};
  HttpRequest request = get(server.url());
  request.response_bytes_max = 1000;
  Answer answer;
  loop.start_transfer(request, answer.handlers());
  ASSERT_TRUE(run_until(loop, [&] { return answer.here(); }));
  EXPECT_TRUE(answer.failed_with(ErrorCode::LimitExceeded));
}

TEST(Transfers, refuse_headers_over_the_limit) {
  Loop loop;
  std::string headers;
  for (int i = 0; i < 70; ++i)
    headers += "X-" + std::to_string(i) + ": " + std::string(1000, 'x') + "\r\n";
  LoopbackServer server{loop, [&](const SeenRequest&, const ExchangePtr& exchange) {
                          exchange->answer(200, "", headers);
                        }};
  Answer answer;
  loop.start_transfer(get(server.url()), answer.handlers());
  ASSERT_TRUE(run_until(loop, [&] { return answer.here(); }));
  EXPECT_TRUE(answer.failed_with(ErrorCode::LimitExceeded));
}

TEST(Transfers, tell_a_cut_connection_and_a_refused_one) {
  Loop loop;
  std::string gone_url;
  {
    LoopbackServer gone{loop, [](const SeenRequest&, const ExchangePtr&) {}};
    gone_url = gone.url();
  }
  LoopbackServer server{loop, [](const SeenRequest&, const ExchangePtr& exchange) {
                          exchange->send_bytes("HTTP/1.1 200 -\r\nContent-Length: 9\r\n\r\nhalf");
                          exchange->cut();
                        }};
  for (const std::string& url : {gone_url, server.url()}) {
    Answer answer;
    loop.start_transfer(get(url), answer.handlers());
    ASSERT_TRUE(run_until(loop, [&] { return answer.here(); }));
    EXPECT_TRUE(answer.failed_with(ErrorCode::Unavailable));
  }
}

TEST(Transfers, refuse_what_is_no_http_request) {
  Loop loop;
  for (const std::string url : {"file:///etc/passwd", "http://", "http://127.0.0.1/a\r\nX: y"}) {
    Answer answer;
    loop.start_transfer(get(url), answer.handlers());
    ASSERT_TRUE(run_until(loop, [&] { return answer.here(); }));
    EXPECT_TRUE(answer.failed_with(ErrorCode::InvalidInput)) << url;
  }
}

TEST(Transfers, do_not_show_credentials_of_a_url_in_an_error) {
  Loop loop;
  Answer answer;
  loop.start_transfer(get("ftp://user:hunter2@host/path?token=hunter2"), answer.handlers());
  ASSERT_TRUE(run_until(loop, [&] { return answer.here(); }));
  ASSERT_FALSE(*answer.result);
  EXPECT_EQ(answer.result->error().where, "ftp://host/path");
  EXPECT_EQ(describe(answer.result->error()).find("hunter2"), std::string::npos);
}

TEST(Transfers, are_silent_when_cancelled_even_from_their_own_handler) {
  Loop loop;
  std::vector<ExchangePtr> open;
  LoopbackServer server{loop, [&](const SeenRequest&, const ExchangePtr& exchange) {
                          exchange->begin(200);
                          exchange->piece("first");
                          exchange->piece("second");
                          open.push_back(exchange);
                        }};
  int pieces = 0;
  TransferId id = 0;
  HttpHandlers handlers;
  handlers.on_data = [&](std::string_view) {
    ++pieces;
    loop.cancel_transfer(id);
    return true;
  };
  handlers.on_done = [](const Result<HttpResponse>&) { ADD_FAILURE() << "was cancelled"; };
  id = loop.start_transfer(get(server.url()), std::move(handlers));
  ASSERT_TRUE(run_until(loop, [&] { return open.size() == 1 && !open[0]->is_open(); }));
  EXPECT_EQ(pieces, 1);
}

TEST(Transfers, may_be_started_from_a_handler_that_gets_data) {
  Loop loop;
  LoopbackServer server{
      loop, [](const SeenRequest&, const ExchangePtr& exchange) { exchange->answer(200, "body"); }};
  Answer first;
  Answer second;
  HttpHandlers handlers = first.handlers();
  handlers.on_data = [&](std::string_view) {
    loop.start_transfer(get(server.url()), second.handlers());
    return true;
  };
  loop.start_transfer(get(server.url()), std::move(handlers));
  ASSERT_TRUE(run_until(loop, [&] { return first.here() && second.here(); }));
  EXPECT_EQ((*second.result)->body, "body");
}

TEST(Transfers, beyond_the_limit_wait_while_watches_do_not) {
  Loop loop;
  std::vector<ExchangePtr> open;
  LoopbackServer server{
      loop, [&](const SeenRequest&, const ExchangePtr& exchange) { open.push_back(exchange); }};
  std::vector<Answer> answers(k_transfers_in_flight_max + 5);
  for (Answer& answer : answers) loop.start_transfer(get(server.url()), answer.handlers());
  ASSERT_TRUE(run_until(loop, [&] { return open.size() == k_transfers_in_flight_max; }));
  Answer watch;
  HttpRequest long_lived = get(server.url() + "/watch");
  long_lived.long_lived = true;
  loop.start_transfer(long_lived, watch.handlers());
  ASSERT_TRUE(run_until(loop, [&] { return open.size() == k_transfers_in_flight_max + 1; }));
  EXPECT_EQ(server.requests().back().target, "/watch");
  for (const ExchangePtr& exchange : std::vector(open)) exchange->answer(200, "");
  ASSERT_TRUE(run_until(loop, [&] { return open.size() == answers.size() + 1; }));
  for (std::size_t i = k_transfers_in_flight_max + 1; i < open.size(); ++i)
    open[i]->answer(200, "");
  for (const Answer& answer : answers) EXPECT_TRUE(run_until(loop, [&] { return answer.here(); }));
}

TEST(Transfers, that_wait_meet_their_deadline_too) {
  Loop loop;
  std::size_t arrived = 0;
  LoopbackServer server{loop, [&](const SeenRequest&, const ExchangePtr&) { ++arrived; }};
  std::vector<Answer> stuck(k_transfers_in_flight_max);
  for (Answer& answer : stuck) loop.start_transfer(get(server.url()), answer.handlers());
  Answer waiting;
  HttpRequest request = get(server.url());
  request.deadline = Duration{50};
  loop.start_transfer(request, waiting.handlers());
  ASSERT_TRUE(run_until(loop, [&] { return waiting.here(); }));
  EXPECT_TRUE(waiting.failed_with(ErrorCode::Unavailable));
}

TEST(Transfers, end_with_the_loop_without_a_call) {
  LoopbackServer* server = nullptr;
  {
    Loop loop;
    LoopbackServer its_server{loop, [](const SeenRequest&, const ExchangePtr&) {}};
    server = &its_server;
    loop.start_transfer(get(its_server.url()), {.on_data = {}, .on_done = [](auto) { FAIL(); }});
    loop.start_transfer(get(its_server.url()), {.on_data = {}, .on_done = [](auto) { FAIL(); }});
    ASSERT_TRUE(run_until(loop, [&] { return server->requests().size() == 2; }));
  }
}

}  // namespace
}  // namespace ray_gitops
