#include "agent/ray/gcs/client.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/loop/run_until.h"
#include "tests/unit/ray/gcs/grpc_head.h"

namespace ray_gitops::ray {
namespace {

using namespace std::string_literals;
using test::GrpcHead;
using test::run_until;
using CallPtr = std::shared_ptr<test::GrpcCall>;

const test::HeaderList k_ok{{"grpc-status", "0"}};
// GetClusterResourceStateReply of session "s".
const std::string k_state = "\0\0\0\0\5\x0a\3\x3a\1s"s;

// A client and the scripted head it talks to.
struct Rig {
  explicit Rig(GrpcHead::Script script) : head(loop, std::move(script)) {
    options.silence_pause = Duration{0};
  }
  void ask(const std::string& head_uid, const std::string& address) {
    if (!client)
      client.emplace(loop, options,
                     [this](const engine::GcsAnswered& answer) { answers.push_back(answer); });
    GcsRequest request;
    request.head_uid = head_uid;
    request.address = address;
    request.token_secret = token_secret;
    client->ask({++last_id, request});
  }
  void ask() { ask("head", head.address()); }
  bool wait_for_answers(std::size_t count) {
    return run_until(loop, [&] { return answers.size() >= count; });
  }
  // Why the last of so many calls was not answered.
  Error error_of(std::size_t count) {
    EXPECT_TRUE(wait_for_answers(count));
    EXPECT_EQ(answers.size(), count);
    EXPECT_FALSE(answers.back().reply);
    return answers.back().reply ? Error{} : answers.back().reply.error();
  }

  Loop loop;
  GrpcHead head;
  GcsClientOptions options;
  ResourceKey token_secret;
  std::uint64_t last_id = 0;
  std::vector<engine::GcsAnswered> answers;
  std::optional<GcsClient> client;
};

TEST(GcsClient, asks_and_tells_what_the_head_answers) {
  Rig rig{[](const CallPtr& call) {
    EXPECT_EQ(call->body(), "\0\0\0\0\0"s);
    call->answer(k_state, k_ok);
  }};
  for (std::size_t count = 1; count <= 3; ++count) {
    rig.ask();
    EXPECT_EQ(rig.answers.size(), count - 1) << "answered from within the call";
    ASSERT_TRUE(rig.wait_for_answers(count));
    ASSERT_TRUE(rig.answers.back().reply) << describe(rig.answers.back().reply.error());
    EXPECT_EQ(std::get<RayResourceState>(*rig.answers.back().reply).session, "s");
    EXPECT_EQ(rig.answers.back().request_id, count);
  }
}

TEST(GcsClient, asks_again_over_the_connection_it_has) {
  Rig rig{[](const CallPtr& call) { call->answer(k_state, k_ok); }};
  for (std::size_t count = 1; count <= 3; ++count) {
    rig.ask();
    ASSERT_TRUE(rig.wait_for_answers(count));
  }
  EXPECT_EQ(rig.head.connections(), 1U);
}

TEST(GcsClient, replaces_a_connection_that_the_head_has_closed) {
  CallPtr last;
  Rig rig{[&last](const CallPtr& call) {
    last = call;
    call->answer(k_state, k_ok);
  }};
  for (std::size_t count = 1; count <= 3; ++count) {
    rig.ask();
    ASSERT_TRUE(rig.wait_for_answers(count));
    EXPECT_TRUE(rig.answers.back().reply);
    last->cut();
  }
  EXPECT_EQ(rig.head.connections(), 3U);
  EXPECT_EQ(rig.head.calls(), 3U);
}

TEST(GcsClient, asks_once_more_when_the_head_closes_a_connection_it_had) {
  std::size_t count = 0;
  Rig rig{
      [&count](const CallPtr& call) { ++count == 2 ? call->cut() : call->answer(k_state, k_ok); }};
  rig.ask();
  ASSERT_TRUE(rig.wait_for_answers(1));
  rig.ask();
  ASSERT_TRUE(rig.wait_for_answers(2));
  EXPECT_TRUE(rig.answers.back().reply);
  EXPECT_EQ(rig.head.calls(), 3U);
  EXPECT_EQ(rig.head.connections(), 2U);
}

TEST(GcsClient, leaves_a_connection_on_which_nothing_comes) {
  std::size_t count = 0;
  Rig rig{[&count](const CallPtr& call) {
    if (++count != 2) call->answer(k_state, k_ok);
  }};
  rig.options.call_time_max = Duration{300};
  for (std::size_t asked = 1; asked <= 3; ++asked) {
    rig.ask();
    ASSERT_TRUE(rig.wait_for_answers(asked));
    EXPECT_EQ(rig.answers.back().reply.has_value(), asked != 2);
  }
  EXPECT_EQ(rig.head.calls(), 3U);
  EXPECT_EQ(rig.head.connections(), 2U);
}

TEST(GcsClient, asks_for_a_drain_once_and_over_a_connection_of_its_own) {
  std::size_t count = 0;
  Rig rig{
      [&count](const CallPtr& call) { ++count == 2 ? call->cut() : call->answer(k_state, k_ok); }};
  rig.ask();
  ASSERT_TRUE(rig.wait_for_answers(1));
  GcsRequest drain;
  drain.head_uid = "head";
  drain.address = rig.head.address();
  DrainRequest body;
  body.node_id = std::string(56, 'a');
  drain.body = body;
  rig.client->ask({++rig.last_id, drain});
  ASSERT_TRUE(rig.wait_for_answers(2));
  EXPECT_FALSE(rig.answers.back().reply);
  EXPECT_EQ(rig.head.calls(), 2U);
  EXPECT_EQ(rig.head.connections(), 2U);
}

TEST(GcsClient, tells_why_the_head_refuses) {
  Rig rig{[](const CallPtr& call) {
    call->answer_without_body({{"grpc-status", "12"}, {"grpc-message", "no%20such"}});
  }};
  rig.ask();
  const Error error = rig.error_of(1);
  EXPECT_EQ(error.code, ErrorCode::NotFound);
  EXPECT_EQ(error.where, rig.head.address());
}

TEST(GcsClient, takes_no_message_without_trailers) {
  Rig rig{[](const CallPtr& call) {
    call->begin(k_state);
    call->cut();
  }};
  rig.ask();
  EXPECT_EQ(rig.error_of(1).code, ErrorCode::Unavailable);
}

TEST(GcsClient, takes_what_it_does_not_understand_for_silence) {
  Rig rig{[](const CallPtr& call) { call->answer("\0\0\0\0\2\xff\xff"s, k_ok); }};
  rig.ask();
  EXPECT_EQ(rig.error_of(1).code, ErrorCode::Unavailable);
}

TEST(GcsClient, reads_no_more_than_an_answer_has) {
  for (const std::size_t bytes_max : {k_state.size(), k_state.size() - 1}) {
    Rig rig{[](const CallPtr& call) { call->answer(k_state, k_ok); }};
    rig.options.answer_bytes_max = bytes_max;
    rig.ask();
    ASSERT_TRUE(rig.wait_for_answers(1));
    const auto& reply = rig.answers[0].reply;
    EXPECT_EQ(reply.has_value(), bytes_max == k_state.size());
    const ErrorCode code = reply ? ErrorCode::Internal : reply.error().code;
    EXPECT_TRUE(reply || code == ErrorCode::LimitExceeded);
  }
}

TEST(GcsClient, remembers_the_silence_of_so_many_heads) {
  Rig rig{[](const CallPtr& call) { call->cut(); }};
  rig.options.silence_pause = k_silence_pause_max;
  const auto ask = [&](std::size_t head) { rig.ask(std::to_string(head), rig.head.address()); };
  std::size_t heads = 0;
  while (heads <= k_silent_heads_max) {
    ask(heads);
    ASSERT_TRUE(rig.wait_for_answers(++heads));
  }
  EXPECT_EQ(rig.head.calls(), heads);
  ask(heads - 1);
  ASSERT_TRUE(rig.wait_for_answers(heads + 1));
  EXPECT_EQ(rig.head.calls(), heads) << "it is remembered";
  ask(0);
  ASSERT_TRUE(rig.wait_for_answers(heads + 2));
  EXPECT_EQ(rig.head.calls(), heads + 1) << "it was forgotten for the last one";
}

TEST(GcsClient, does_not_wait_for_ever) {
  std::vector<CallPtr> silent;
  Rig rig{[&](const CallPtr& call) { silent.push_back(call); }};
  rig.options.call_time_max = Duration{50};
  rig.ask();
  EXPECT_EQ(rig.error_of(1).code, ErrorCode::Unavailable);
}

TEST(GcsClient, leaves_a_silent_head_alone_and_no_other) {
  bool silent = true;
  Rig rig{[&](const CallPtr& call) { silent ? call->cut() : call->answer(k_state, k_ok); }};
  rig.options.silence_pause = Duration{600'000};
  rig.ask("silent", rig.head.address());
  EXPECT_EQ(rig.error_of(1).code, ErrorCode::Unavailable);
  silent = false;
  rig.ask("silent", rig.head.address());
  EXPECT_EQ(rig.error_of(2).message, "the head did not answer the last call, and is left alone");
  EXPECT_EQ(rig.head.calls(), 1U);
  rig.ask("new head at the same address", rig.head.address());
  ASSERT_TRUE(rig.wait_for_answers(3));
  EXPECT_TRUE(rig.answers.back().reply);
}

TEST(GcsClient, asks_a_silent_head_again_after_a_pause) {
  bool silent = true;
  Rig rig{[&](const CallPtr& call) { silent ? call->cut() : call->answer(k_state, k_ok); }};
  rig.ask();
  EXPECT_EQ(rig.error_of(1).code, ErrorCode::Unavailable);
  silent = false;
  rig.ask();
  ASSERT_TRUE(rig.wait_for_answers(2));
  EXPECT_TRUE(rig.answers.back().reply) << describe(rig.answers.back().reply.error());
}

TEST(GcsClient, is_held_up_by_no_number_of_silent_heads) {
  std::vector<CallPtr> open;
  bool silent = false;
  Rig rig{[&](const CallPtr& call) {
    if (silent) return open.push_back(call);
    call->cut();
  }};
  const std::size_t heads = 2 * k_calls_in_flight_max;
  for (std::size_t count = 0; count < heads; ++count)
    rig.ask("silent " + std::to_string(count), rig.head.address());
  ASSERT_TRUE(rig.wait_for_answers(heads));
  silent = true;  // from now on they hold every call open
  for (std::size_t count = 0; count < heads; ++count)
    rig.ask("silent " + std::to_string(count), rig.head.address());
  ASSERT_TRUE(run_until(rig.loop, [&] { return open.size() >= k_calls_to_silent_heads_max; }));
  GrpcHead good{rig.loop, [](const CallPtr& call) { call->answer(k_state, k_ok); }};
  rig.ask("good", good.address());
  ASSERT_TRUE(rig.wait_for_answers(heads + 1));
  EXPECT_TRUE(rig.answers.back().reply);
  EXPECT_EQ(open.size(), k_calls_to_silent_heads_max);
}

TEST(GcsClient, bounds_what_is_in_flight_and_what_waits) {
  std::vector<CallPtr> open;
  Rig rig{[&](const CallPtr& call) { open.push_back(call); }};
  const std::size_t taken = k_calls_in_flight_max + k_calls_waiting_max;
  for (std::size_t count = 0; count < taken + 3; ++count) rig.ask();
  ASSERT_TRUE(rig.wait_for_answers(3));
  ASSERT_TRUE(run_until(rig.loop, [&] { return open.size() >= k_calls_in_flight_max; }));
  EXPECT_EQ(rig.answers.size(), 3U);
  EXPECT_EQ(open.size(), k_calls_in_flight_max);
  for (const auto& refused : rig.answers) {
    EXPECT_GT(refused.request_id, taken);
    EXPECT_EQ(refused.reply.error().code, ErrorCode::Unavailable);
  }
}

TEST(GcsClient, sends_nothing_to_what_is_no_address) {
  Rig rig{[](const CallPtr& call) { call->answer(k_state, k_ok); }};
  rig.ask("head", "localhost:6379");
  EXPECT_EQ(rig.error_of(1).code, ErrorCode::InvalidInput);
}

TEST(GcsClient, delivers_nothing_after_its_end) {
  std::vector<CallPtr> open;
  Rig rig{[&](const CallPtr& call) { open.push_back(call); }};
  rig.ask();
  ASSERT_TRUE(run_until(rig.loop, [&] { return !open.empty(); }));
  rig.ask();
  rig.client.reset();
  bool turned = false;
  rig.loop.add_timer(Duration{20}, [&] { turned = true; });
  ASSERT_TRUE(run_until(rig.loop, [&] { return turned; }));
  EXPECT_TRUE(rig.answers.empty());
}

// A head that refuses calls until the test says otherwise, and the Secret with its token.
TEST(GcsToken, that_a_head_refused_is_read_anew) {
  bool refuses = true;
  Rig rig{[&](const CallPtr& call) {
    if (refuses)
      call->answer_without_body({{"grpc-status", "16"}, {"grpc-message", "InvalidAuthToken"}});
    else
      call->answer(k_state, k_ok);
  }};
  int reads = 0;
  HeadTokens tokens(rig.loop, [&](const HttpRequest& request, const HttpHandlers& handlers) {
    EXPECT_EQ(request.url, "/api/v1/namespaces/team/secrets/demo");
    ++reads;
    handlers.on_done(HttpResponse{200, {}, R"({"data":{"auth_token":"c2VzYW1l"}})"});
  });
  rig.options.tokens = &tokens;
  rig.token_secret = {ResourceType::Secret, "team", "demo"};
  rig.ask();
  EXPECT_EQ(rig.error_of(1).code, ErrorCode::Unauthenticated);
  EXPECT_EQ(reads, 1);
  refuses = false;
  const Instant end = rig.loop.now().monotonic + k_token_pause;
  run_until(rig.loop, [&] { return rig.loop.now().monotonic >= end; });
  rig.ask();
  ASSERT_TRUE(rig.wait_for_answers(2));
  EXPECT_TRUE(rig.answers.back().reply);
  EXPECT_EQ(reads, 2);
  rig.ask();
  ASSERT_TRUE(rig.wait_for_answers(3));
  EXPECT_EQ(reads, 2);
}

TEST(GcsToken, that_cannot_be_had_is_why_the_head_is_not_asked) {
  Rig rig{[](const CallPtr& call) { call->answer(k_state, k_ok); }};
  HeadTokens tokens(rig.loop, [](const HttpRequest&, const HttpHandlers& handlers) {
    handlers.on_done(HttpResponse{404, {}, ""});
  });
  rig.options.tokens = &tokens;
  rig.token_secret = {ResourceType::Secret, "team", "demo"};
  rig.ask();
  EXPECT_EQ(rig.error_of(1).code, ErrorCode::Unauthenticated);
  EXPECT_EQ(rig.head.calls(), 0U);
}

}  // namespace
}  // namespace ray_gitops::ray
