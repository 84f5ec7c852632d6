// What was decided under a Lease does not leave after it.
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "agent/kubernetes/client.h"
#include "agent/kubernetes/sender.h"
#include "tests/unit/loop/loopback_server.h"
#include "tests/unit/loop/run_until.h"

namespace ray_gitops::kubernetes {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::run_until;
using test::SeenRequest;
using ExchangePtr = std::shared_ptr<test::Exchange>;

constexpr const char* k_answer =
    R"({"kind":"Pod","metadata":{"name":"p","namespace":"d","uid":"u","resourceVersion":"1"}})";

class Fence : public testing::Test {
 protected:
  void SetUp() override {
    ClientOptions options;
    options.connection.server = server.url();
    options.agent_id = "a1";
    client.emplace(loop, options,
                   [this](engine::Event event) { events.push_back(std::move(event)); });
  }
  engine::SendWrite write(std::int64_t epoch) {
    engine::SendWrite made{++id, {}, epoch};
    made.action.verb = Verb::Create;
    made.action.target = {ResourceType::Pod, "d", "p"};
    made.action.body = *Document::parse(k_answer);
    return made;
  }
  Instant after(Duration wait) { return loop.now().monotonic + wait; }
  // Nothing, or why it was not done.
  std::optional<Error> result(std::size_t index) {
    if (!run_until(loop, [&] { return events.size() > index; }))
      return Error{ErrorCode::Internal, "no answer", {}};
    const auto& answered = std::get<engine::WriteAnswered>(events.at(index));
    if (answered.object) return std::nullopt;
    return answered.object.error();
  }
  void expect_not_sent(std::size_t index) {
    const auto error = result(index);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, ErrorCode::Expired);
    EXPECT_EQ(error->message, k_lease_ended);
  }

  bool silent = false;
  std::vector<ExchangePtr> held;
  Loop loop;
  test::LoopbackServer server{loop, [this](const SeenRequest&, const ExchangePtr& exchange) {
                                if (silent) return held.push_back(exchange);
                                exchange->answer(201, k_answer);
                              }};
  std::optional<KubernetesClient> client;
  std::vector<engine::Event> events;
  std::uint64_t id = 0;
};

TEST_F(Fence, lets_through_what_the_lease_in_force_covers) {
  client->hold_lease({3, after(seconds(9))});
  client->send_write(write(3));
  EXPECT_FALSE(result(0));
}

TEST_F(Fence, is_closed_before_the_first_lease_but_to_the_lease_itself) {
  client->send_write(write(1));
  expect_not_sent(0);
  client->send_write(write(0));
  EXPECT_FALSE(result(1));
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(Fence, stops_a_write_whose_lease_ended_while_it_waited) {
  client->hold_lease({1, after(milliseconds(1))});
  client->send_write(write(1));
  const Instant start = loop.now().monotonic;
  while (loop.now().monotonic - start < milliseconds(2)) {  // as a stopped process does
  }
  expect_not_sent(0);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(Fence, lets_waiting_writes_pass_when_the_lease_was_renewed_meanwhile) {
  client->hold_lease({1, loop.now().monotonic});
  client->send_write(write(1));
  client->hold_lease({1, after(seconds(9))});
  EXPECT_FALSE(result(0));
}

TEST_F(Fence, stops_what_was_decided_before_another_held_the_lease) {
  client->hold_lease({1, after(seconds(9))});
  client->send_write(write(1));
  client->hold_lease({3, after(seconds(9))});
  expect_not_sent(0);
}

TEST_F(Fence, gives_up_a_write_that_is_under_way_when_the_lease_ends) {
  silent = true;
  client->hold_lease({1, after(milliseconds(200))});
  client->send_write(write(1));
  const auto error = result(0);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::Unavailable) << "it may have happened";
}

}  // namespace
}  // namespace ray_gitops::kubernetes
