#include "agent/kubernetes/sender.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/loop/loopback_server.h"
#include "tests/unit/loop/run_until.h"

namespace ray_gitops::kubernetes {
namespace {

using test::SeenRequest;
using ExchangePtr = std::shared_ptr<test::Exchange>;

// A sender and the scripted server it talks to.
struct SenderRig {
  explicit SenderRig(test::LoopbackServer::Script script)
      : server(loop, std::move(script)), sender(loop, connection(), "test") {}
  Connection connection() const {
    Connection made;
    made.server = server.url();
    return made;
  }
  void get(const std::string& path) {
    sender.send({"GET", path, {}, {}}, RequestClass::Object,
                {.on_data = {}, .on_done = [this](const Result<HttpResponse>& answer) {
                   answers.push_back(answer ? answer->status : 0);
                 }});
  }
  bool wait_for_answers(std::size_t count) {
    return test::run_until(loop, [&] { return answers.size() >= count; });
  }

  Loop loop;
  test::LoopbackServer server;
  Sender sender;
  std::vector<int> answers;
};

TEST(Sender, sends_again_what_a_busy_server_refused_and_when_it_asks) {
  std::vector<Instant> arrived;
  Loop* loop = nullptr;
  SenderRig rig{[&](const SeenRequest&, const ExchangePtr& exchange) {
    arrived.push_back(loop->now().monotonic);
    if (arrived.size() == 1)
      exchange->answer(429, "", "Retry-After: 1\r\n");
    else
      exchange->answer(200, "");
  }};
  loop = &rig.loop;
  rig.get("/a");
  ASSERT_TRUE(rig.wait_for_answers(1));
  EXPECT_EQ(rig.answers, std::vector<int>{200});
  ASSERT_EQ(arrived.size(), 2U);
  EXPECT_GE(arrived.at(1) - arrived.at(0), Duration{990});
}

TEST(Sender, tells_of_a_server_that_stays_busy) {
  SenderRig rig{[](const SeenRequest&, const ExchangePtr& exchange) {
    exchange->answer(429, "", "Retry-After: 0\r\n");
  }};
  rig.get("/a");
  ASSERT_TRUE(rig.wait_for_answers(1));
  EXPECT_EQ(rig.answers, std::vector<int>{429});
  EXPECT_EQ(rig.server.requests().size(), std::size_t{k_busy_refusals_max} + 1);
}

TEST(Sender, has_fewer_in_flight_once_the_server_was_busy) {
  std::vector<ExchangePtr> open;
  bool busy = true;
  SenderRig rig{[&](const SeenRequest&, const ExchangePtr& exchange) {
    if (busy) return exchange->answer(503, "");
    open.push_back(exchange);
  }};
  rig.get("/a");
  ASSERT_TRUE(rig.wait_for_answers(1));
  busy = false;
  for (std::size_t i = 0; i < k_requests_in_flight_first; ++i) rig.get("/a");
  constexpr std::size_t k_half = k_requests_in_flight_first / 2;
  ASSERT_TRUE(test::run_until(rig.loop, [&] { return open.size() == k_half; }));
  for (const ExchangePtr& exchange : std::vector(open)) exchange->answer(200, "");
  EXPECT_TRUE(test::run_until(rig.loop, [&] { return open.size() == 2 * k_half; }));
}

TEST(Sender, has_more_in_flight_when_answers_come_in_batches) {
  std::vector<ExchangePtr> open;
  SenderRig rig{[&](const SeenRequest&, const ExchangePtr& exchange) { open.push_back(exchange); }};
  constexpr std::size_t k_first = k_requests_in_flight_first;
  for (std::size_t i = 0; i < 4 * k_first; ++i) rig.get("/a");
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(test::run_until(rig.loop, [&] { return open.size() == k_first; }));
    for (const ExchangePtr& exchange : std::exchange(open, {})) exchange->answer(200, "");
  }
  EXPECT_TRUE(test::run_until(rig.loop, [&] { return open.size() == k_first + k_first / 8; }));
}

}  // namespace
}  // namespace ray_gitops::kubernetes
