#include "agent/ray/client.h"

#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/loop/loopback_server.h"
#include "tests/unit/loop/run_until.h"

namespace ray_gitops::ray {
namespace {

using test::run_until;
using test::SeenRequest;
using ExchangePtr = std::shared_ptr<test::Exchange>;

constexpr const char* k_version = R"({"session_name":"session_1"})";

// A client and the scripted head it talks to.
struct Rig {
  explicit Rig(test::LoopbackServer::Script script) : head(loop, std::move(script)) {
    options.user_agent = "ray-gitops/test";
  }
  std::string address() const { return head.url().substr(std::string("http://").size()); }
  void ask(RayVerb verb, std::optional<std::string> at = {}, std::string token_secret = {}) {
    if (!client)
      client.emplace(loop, options, [this](const engine::Event& event) {
        answers.push_back(std::get<engine::RayAnswered>(event));
      });
    RayRequest request;
    request.verb = verb;
    request.address = at ? *at : address();
    request.submission_id = "j1";
    request.head_pod = {ResourceType::Pod, "team", "demo-head"};
    request.token_secret = std::move(token_secret);
    client->ask({++last_id, request});
  }
  bool wait_for_answers(std::size_t count) {
    return run_until(loop, [&] { return answers.size() >= count; });
  }
  // Why the only request was not answered.
  Error only_error() {
    EXPECT_TRUE(wait_for_answers(1));
    EXPECT_EQ(answers.size(), 1U);
    EXPECT_FALSE(answers.at(0).reply);
    return answers.at(0).reply ? Error{} : answers.at(0).reply.error();
  }

  Loop loop;
  test::LoopbackServer head;
  RayClientOptions options;
  std::uint64_t last_id = 0;
  std::vector<engine::RayAnswered> answers;
  std::optional<RayClient> client;
};

TEST(RayClient, asks_and_tells_what_the_head_answers) {
  Rig rig{
      [](const SeenRequest&, const ExchangePtr& exchange) { exchange->answer(200, k_version); }};
  rig.ask(RayVerb::GetVersion);
  EXPECT_TRUE(rig.answers.empty()) << "answered from within the call";
  ASSERT_TRUE(rig.wait_for_answers(1));
  EXPECT_EQ(rig.answers[0].request_id, 1U);
  ASSERT_TRUE(rig.answers[0].reply) << describe(rig.answers[0].reply.error());
  EXPECT_EQ(rig.answers[0].reply->session, "session_1");
  const SeenRequest& seen = rig.head.requests().at(0);
  EXPECT_EQ(seen.method + " " + seen.target, "GET /api/version");
  EXPECT_EQ(seen.headers.at("user-agent"), "ray-gitops/test");
}

TEST(RayClient, sends_a_submission_as_json) {
  Rig rig{[](const SeenRequest&, const ExchangePtr& exchange) {
    exchange->answer(200, R"({"submission_id":"j1"})");
  }};
  rig.ask(RayVerb::SubmitJob);
  ASSERT_TRUE(rig.wait_for_answers(1));
  EXPECT_TRUE(rig.answers[0].reply);
  const SeenRequest& seen = rig.head.requests().at(0);
  EXPECT_EQ(seen.method + " " + seen.target, "POST /api/jobs/");
  EXPECT_EQ(seen.headers.at("content-type"), "application/json");
  EXPECT_EQ(seen.body, "null");
}

TEST(RayClient, puts_a_configuration_as_json) {
  Rig rig{[](const SeenRequest&, const ExchangePtr& exchange) { exchange->answer(200, ""); }};
  rig.ask(RayVerb::PutServe);
  ASSERT_TRUE(rig.wait_for_answers(1));
  EXPECT_TRUE(rig.answers[0].reply);
  const SeenRequest& seen = rig.head.requests().at(0);
  EXPECT_EQ(seen.method + " " + seen.target, "PUT /api/serve/applications/");
  EXPECT_EQ(seen.headers.at("content-type"), "application/json");
  EXPECT_EQ(seen.body, "null");
}

TEST(RayClient, tells_a_refusal_from_silence) {
  for (const int status : {400, 500}) {
    Rig rig{[&](const SeenRequest&, const ExchangePtr& exchange) {
      exchange->answer(status, "TypeError: no\n", "Content-Type: text/plain\r\n");
    }};
    rig.ask(RayVerb::SubmitJob);
    EXPECT_EQ(rig.only_error().code, status == 400 ? ErrorCode::Rejected : ErrorCode::Unavailable);
  }
}

TEST(RayClient, does_not_wait_for_ever) {
  std::vector<ExchangePtr> silent;
  Rig rig{[&](const SeenRequest&, const ExchangePtr& exchange) { silent.push_back(exchange); }};
  rig.options.read_time_max = Duration{50};
  rig.options.post_time_max = Duration{60};
  for (const RayVerb verb : {RayVerb::GetJob, RayVerb::SubmitJob, RayVerb::PutServe}) {
    rig.ask(verb);
    const Error error = rig.only_error();
    EXPECT_EQ(error.code, ErrorCode::Unavailable);
    EXPECT_EQ(error.where, rig.address());
    rig.answers.clear();
  }
  EXPECT_EQ(silent.size(), 3U);
}

TEST(RayClient, reads_no_more_than_an_answer_has) {
  Rig rig{[](const SeenRequest&, const ExchangePtr& exchange) {
    exchange->answer(200, std::string(k_answer_bytes_max + 1, ' '));
  }};
  rig.ask(RayVerb::GetJob);
  EXPECT_EQ(rig.only_error().code, ErrorCode::Unavailable);
}

TEST(RayClient, reads_more_where_serve_runs_much) {
  for (const std::size_t bytes : {k_serve_answer_bytes_max, k_serve_answer_bytes_max + 1}) {
    Rig rig{[&](const SeenRequest&, const ExchangePtr& exchange) {
      std::string body = R"({"applications":{}})";
      body.resize(bytes, ' ');
      exchange->answer(200, body);
    }};
    rig.ask(RayVerb::GetServe);
    ASSERT_TRUE(rig.wait_for_answers(1));
    EXPECT_EQ(rig.answers[0].reply.has_value(), bytes == k_serve_answer_bytes_max);
  }
}

TEST(RayClient, reads_an_answer_with_the_longest_log_that_ray_quotes) {
  std::string log;
  for (int character = 0; character < 20'000; ++character) log += "\\ud83d\\ude80";
  Rig rig{[&](const SeenRequest&, const ExchangePtr& exchange) {
    exchange->answer(200, R"({"submission_id":"j1","status":"FAILED","message":")" + log + "\"}");
  }};
  rig.ask(RayVerb::GetJob);
  ASSERT_TRUE(rig.wait_for_answers(1));
  EXPECT_TRUE(rig.answers[0].reply) << describe(rig.answers[0].reply.error());
}

TEST(RayClient, takes_garbage_a_cut_and_a_closed_port_for_silence) {
  const std::vector<test::LoopbackServer::Script> heads{
      [](const SeenRequest&, const ExchangePtr& exchange) {
        exchange->send_bytes("\x16\x03\x01 what?\r\n\r\n");
        exchange->cut();
      },
      [](const SeenRequest&, const ExchangePtr& exchange) {
        exchange->send_bytes("HTTP/1.1 200 -\r\nContent-Length: 900\r\n\r\n{\"status\"");
        exchange->cut();
      },
      [](const SeenRequest&, const ExchangePtr& exchange) { exchange->cut(); }};
  for (const auto& script : heads) {
    Rig rig{script};
    rig.ask(RayVerb::GetJob);
    EXPECT_EQ(rig.only_error().code, ErrorCode::Unavailable);
  }
  std::optional<Rig> gone;
  gone.emplace([](const SeenRequest&, const ExchangePtr&) {});
  const std::string closed = gone->address();
  gone.reset();
  Rig rig{[](const SeenRequest&, const ExchangePtr&) {}};
  rig.ask(RayVerb::SubmitJob, closed);
  EXPECT_EQ(rig.only_error().code, ErrorCode::Unavailable);
}

TEST(RayClient, sends_nothing_to_what_is_no_address) {
  Rig rig{
      [](const SeenRequest&, const ExchangePtr& exchange) { exchange->answer(200, k_version); }};
  for (const char* address : {"", "localhost:8265", "127.0.0.1", "127.0.0.1:80/x"}) {
    rig.ask(RayVerb::GetVersion, address);
    EXPECT_TRUE(rig.answers.empty()) << "answered from within the call";
    EXPECT_EQ(rig.only_error().code, ErrorCode::Unavailable) << address;
    rig.answers.clear();
  }
  EXPECT_TRUE(rig.head.requests().empty());
}

// A head behind an API server's proxy; requests are those that the proxy was given.
struct ProxyRig : Rig {
  ProxyRig(RayAccess access, int status, std::string body)
      : Rig([](const SeenRequest&, const ExchangePtr& exchange) {
          exchange->answer(200, k_version);
        }) {
    options.access = access;
    options.send_to_api_server = [this, status, body](const HttpRequest& request,
                                                      HttpHandlers handlers) {
      by_proxy.push_back(request.method + " " + request.url);
      loop.add_timer(Duration{0}, [handlers = std::move(handlers), status, body] {
        handlers.on_done(HttpResponse{status, {}, body});
      });
    };
  }
  // An address at which nobody listens.
  static std::string closed() {
    Rig gone{[](const SeenRequest&, const ExchangePtr&) {}};
    return gone.address();
  }
  // One request, answered.
  Result<RayReply> reply_of(RayVerb verb, std::optional<std::string> at = {}) {
    answers.clear();
    ask(verb, std::move(at));
    EXPECT_TRUE(wait_for_answers(1));
    return answers.at(0).reply;
  }

  std::vector<std::string> by_proxy;
};

constexpr const char* k_forbidden =
    R"({"kind":"Status","apiVersion":"v1","message":"no pods/proxy for you","code":403})";

TEST(RayAccess, by_proxy_asks_the_api_server_only) {
  ProxyRig rig(RayAccess::ApiserverProxy, 200, k_version);
  EXPECT_TRUE(rig.reply_of(RayVerb::GetVersion));
  EXPECT_TRUE(rig.head.requests().empty());
  const std::string port = rig.address().substr(rig.address().rfind(':'));
  EXPECT_EQ(rig.by_proxy.at(0),
            "GET /api/v1/namespaces/team/pods/demo-head" + port + "/proxy/api/version");
}

TEST(RayAccess, by_proxy_takes_its_refusal_for_no_word_of_the_head) {
  for (const RayVerb verb : {RayVerb::GetJob, RayVerb::SubmitJob}) {
    ProxyRig rig(RayAccess::ApiserverProxy, 400, k_forbidden);
    const auto reply = rig.reply_of(verb);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::Unavailable);
    EXPECT_NE(reply.error().message.find("no pods/proxy for you"), std::string::npos);
  }
}

TEST(RayAccess, auto_stays_with_the_address_that_answers) {
  ProxyRig rig(RayAccess::Auto, 200, k_version);
  EXPECT_TRUE(rig.reply_of(RayVerb::GetVersion));
  EXPECT_FALSE(rig.reply_of(RayVerb::GetVersion, ProxyRig::closed()));
  EXPECT_TRUE(rig.by_proxy.empty()) << "one head that is gone is no reason to change the way";
}

TEST(RayAccess, auto_stays_with_the_proxy_when_only_it_leads_there) {
  ProxyRig rig(RayAccess::Auto, 200, k_version);
  EXPECT_TRUE(rig.reply_of(RayVerb::GetVersion, ProxyRig::closed()));
  EXPECT_EQ(rig.by_proxy.size(), 1U);
  EXPECT_TRUE(rig.reply_of(RayVerb::GetVersion));
  EXPECT_EQ(rig.by_proxy.size(), 2U);
  EXPECT_TRUE(rig.head.requests().empty());
}

TEST(RayAccess, auto_sends_no_write_twice) {
  ProxyRig rig(RayAccess::Auto, 200, k_version);
  EXPECT_FALSE(rig.reply_of(RayVerb::SubmitJob, ProxyRig::closed()));
  EXPECT_TRUE(rig.by_proxy.empty());
}

TEST(RayAccess, auto_says_why_neither_way_led_there_and_tries_both_again) {
  ProxyRig rig(RayAccess::Auto, 403, k_forbidden);
  const auto reply = rig.reply_of(RayVerb::GetVersion, ProxyRig::closed());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::Unavailable);
  EXPECT_NE(reply.error().message.find("; by the API server's proxy: the API server says 403"),
            std::string::npos)
      << reply.error().message;
  EXPECT_TRUE(rig.reply_of(RayVerb::GetVersion));
  EXPECT_EQ(rig.head.requests().size(), 1U);
}

TEST(RayClient, bounds_what_is_in_flight_and_what_waits) {
  std::vector<ExchangePtr> open;
  Rig rig{[&](const SeenRequest&, const ExchangePtr& exchange) { open.push_back(exchange); }};
  const std::size_t taken = k_requests_in_flight_max + k_requests_waiting_max;
  for (std::size_t count = 0; count < taken + 3; ++count) rig.ask(RayVerb::GetVersion);
  ASSERT_TRUE(rig.wait_for_answers(3));
  ASSERT_TRUE(run_until(rig.loop, [&] { return open.size() >= k_requests_in_flight_max; }));
  EXPECT_EQ(rig.answers.size(), 3U);
  for (const auto& refused : rig.answers) {
    EXPECT_GT(refused.request_id, taken);
    EXPECT_EQ(refused.reply.error().code, ErrorCode::Unavailable);
  }
  std::size_t in_flight_most = 0;
  const bool all_answered = run_until(rig.loop, [&] {
    in_flight_most = std::max(in_flight_most, open.size());
    std::vector<ExchangePtr> now;
    now.swap(open);
    for (const ExchangePtr& exchange : now) exchange->answer(200, k_version);
    return rig.answers.size() == taken + 3;
  });
  EXPECT_TRUE(all_answered);
  EXPECT_LE(in_flight_most, k_requests_in_flight_max);
  std::set<std::uint64_t> ids;
  for (const auto& answer : rig.answers) ids.insert(answer.request_id);
  EXPECT_EQ(ids.size(), taken + 3) << "each is answered once";
}

TEST(RayClient, delivers_nothing_after_its_end) {
  std::vector<ExchangePtr> open;
  Rig rig{[&](const SeenRequest&, const ExchangePtr& exchange) { open.push_back(exchange); }};
  rig.ask(RayVerb::GetVersion);
  ASSERT_TRUE(run_until(rig.loop, [&] { return !open.empty(); }));
  rig.ask(RayVerb::GetVersion);
  rig.client.reset();
  bool turned = false;
  rig.loop.add_timer(Duration{20}, [&] { turned = true; });
  ASSERT_TRUE(run_until(rig.loop, [&] { return turned; }));
  EXPECT_TRUE(rig.answers.empty());
}

// A head that asks for a token, and the Secret that it is in.
struct TokenRig : Rig {
  explicit TokenRig(std::string accepted)
      : Rig([accepted = std::move(accepted)](const SeenRequest& request,
                                             const ExchangePtr& exchange) {
          const auto shown = request.headers.find("x-ray-authorization");
          const bool is_right =
              shown != request.headers.end() && shown->second == "Bearer " + accepted;
          exchange->answer(is_right ? 200 : 403,
                           is_right ? k_version : "Forbidden: Invalid authentication token");
        }) {
    options.tokens = &tokens;
  }
  Result<RayReply> reply() {
    answers.clear();
    ask(RayVerb::GetVersion, {}, "demo");
    EXPECT_TRUE(wait_for_answers(1));
    return answers.back().reply;
  }
  void pass_pause() {
    const Instant end = loop.now().monotonic + k_token_pause;
    run_until(loop, [&] { return loop.now().monotonic >= end; });
  }

  std::vector<std::string> reads;
  std::string secret = "c2VzYW1l";  // base64 of "sesame"
  HeadTokens tokens{
      loop, [this](const HttpRequest& request, const HttpHandlers& handlers) {
        reads.push_back(request.url);
        handlers.on_done(HttpResponse{200, {}, R"({"data":{"auth_token":")" + secret + "\"}}"});
      }};
};

TEST(RayToken, is_shown_to_a_head_that_asks_for_one) {
  TokenRig rig("sesame");
  rig.ask(RayVerb::GetVersion);
  EXPECT_NE(rig.only_error().message.find("403"), std::string::npos);
  EXPECT_TRUE(rig.reads.empty());
  EXPECT_TRUE(rig.reply());
  EXPECT_TRUE(rig.reply());
  EXPECT_EQ(rig.reads, (std::vector<std::string>{"/api/v1/namespaces/team/secrets/demo"}));
}

TEST(RayToken, that_was_changed_is_read_anew) {
  TokenRig rig("sesame");
  rig.secret = "b2xk";
  EXPECT_FALSE(rig.reply());
  rig.secret = "c2VzYW1l";
  rig.pass_pause();
  EXPECT_TRUE(rig.reply());
  EXPECT_EQ(rig.reads.size(), 2U);
}

TEST(RayToken, that_cannot_be_had_is_why_the_head_is_not_asked) {
  TokenRig rig("sesame");
  rig.secret = "";
  const Result<RayReply> reply = rig.reply();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::Unavailable);
  EXPECT_NE(reply.error().message.find("Secret/team/demo"), std::string::npos);
}

}  // namespace
}  // namespace ray_gitops::ray
