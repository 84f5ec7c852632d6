#include "agent/engine/writes.h"

#include "tests/unit/engine/support.h"

namespace ray_gitops::engine::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class WritesTest : public testing::Test {
 protected:
  WritesTest()
      : cache({ResourceType::Pod}, [](const ResourceView*, const ResourceView*) {}),
        writes("demo", cache) {
    cache.on(ListCompleted{ResourceType::Pod, {}, "5"});
  }

  std::size_t send(Verb verb, Duration when, const std::string& uid = {}) {
    Effects effects;
    writes.send({.verb = verb,
                 .target = pod_key("a"),
                 .body = {},
                 .preconditions = {uid, {}},
                 .wave = 0,
                 .reason = "the test"},
                at(when), effects);
    const auto sent = all<SendWrite>(effects);
    if (!sent.empty()) last_id = sent.back().write_id;
    return sent.size();
  }
  void answer(Result<std::optional<ResourceView>> object, Duration when) {
    Effects effects;
    writes.on(WriteAnswered{last_id, std::move(object)}, at(when), effects);
  }
  std::size_t reads(Duration when) {
    Effects effects;
    writes.pump(at(when), effects);
    return all<SendRead>(effects).size();
  }
  void read(Result<std::optional<ResourceView>> object, Duration when) {
    Effects effects;
    writes.on(ReadAnswered{pod_key("a"), std::move(object)}, at(when), effects);
  }
  bool is_cached() const { return cache.find(pod_key("a")) != nullptr; }

  Cache cache;
  Writes writes;
  std::uint64_t last_id = 0;
};

TEST_F(WritesTest, sends_one_write_at_a_time_for_an_object) {
  EXPECT_EQ(send(Verb::Create, seconds(0)), 1U);
  EXPECT_EQ(send(Verb::Create, seconds(0)), 0U);
  answer(ResourceView{pod("a", "7")}, seconds(1));
  EXPECT_TRUE(is_cached()) << "the answer's object enters at once";
  EXPECT_EQ(send(Verb::Delete, seconds(1), "uid-1"), 1U);
}

TEST_F(WritesTest, adopts_what_a_create_without_an_answer_made) {
  send(Verb::Create, seconds(0));
  answer(tl::unexpected<Error>(unavailable()), seconds(1));
  EXPECT_TRUE(writes.is_unknown(pod_key("a")));
  EXPECT_EQ(send(Verb::Create, seconds(1)), 0U) << "nothing is done on Unknown";
  EXPECT_EQ(reads(seconds(1)), 1U);
  EXPECT_EQ(reads(seconds(1)), 0U) << "asked once";
  read(ResourceView{pod("a", "7")}, seconds(2));
  EXPECT_TRUE(is_cached());
  EXPECT_FALSE(writes.is_unknown(pod_key("a")));
}

TEST_F(WritesTest, repeats_a_create_that_never_arrived) {
  send(Verb::Create, seconds(0));
  answer(tl::unexpected<Error>(unavailable()), seconds(1));
  reads(seconds(1));
  read(std::optional<ResourceView>{}, seconds(2));
  EXPECT_FALSE(is_cached());
  EXPECT_EQ(send(Verb::Create, seconds(2)), 1U);
}

TEST_F(WritesTest, lets_a_watch_event_decide_and_ignores_the_older_read) {
  send(Verb::Create, seconds(0));
  answer(tl::unexpected<Error>(unavailable()), seconds(1));
  EXPECT_EQ(reads(seconds(1)), 1U);
  cache.on(WatchChanged{ResourceType::Pod, false, pod("a", "7")});
  writes.decided(pod_key("a"));
  EXPECT_FALSE(writes.is_unknown(pod_key("a")));
  read(std::optional<ResourceView>{}, seconds(2));
  EXPECT_TRUE(is_cached()) << "the read was answered before the pod was made";
}

TEST_F(WritesTest, asks_again_after_a_read_that_belongs_to_an_earlier_question) {
  send(Verb::Create, seconds(0));
  answer(tl::unexpected<Error>(unavailable()), seconds(1));
  reads(seconds(1));
  writes.decided(pod_key("a"));
  send(Verb::Delete, seconds(2), "uid-1");
  answer(tl::unexpected<Error>(unavailable()), seconds(3));
  EXPECT_EQ(reads(seconds(4)), 0U) << "one read at a time";
  read(std::optional<ResourceView>{}, seconds(5));
  EXPECT_TRUE(writes.is_unknown(pod_key("a")));
  EXPECT_EQ(reads(seconds(5)), 1U);
}

TEST_F(WritesTest, does_not_hammer_a_server_that_refuses_without_saying_why) {
  Duration now{0};
  int sent = 0;
  while (now < minutes(5)) {
    if (send(Verb::Create, now) == 1) {
      ++sent;
      answer(tl::unexpected<Error>(unavailable()), now);
      reads(now);
      read(std::optional<ResourceView>{}, now);
    }
    now += milliseconds(10);
  }
  EXPECT_GE(sent, 8);
  EXPECT_LE(sent, 14);
}

TEST_F(WritesTest, waits_longer_after_each_refusal) {
  Duration now{0};
  Duration waited{0};
  for (int attempt = 1; attempt <= 10; ++attempt) {
    ASSERT_EQ(send(Verb::Create, now), 1U);
    answer(failed(ErrorCode::Forbidden), now);
    EXPECT_EQ(send(Verb::Create, now), 0U);
    const Duration wait = writes.may_send_at(pod_key("a")).value() - at(now).monotonic;
    EXPECT_GE(wait, waited);
    waited = wait;
    now += wait;
  }
  EXPECT_EQ(waited, Duration(seconds(60)));
  EXPECT_EQ(writes.refusals().at(pod_key("a")).attempts, 10);
}

// The Lease had ended: nothing left this process, and nobody has refused anything.
TEST_F(WritesTest, asks_nobody_about_what_was_not_sent_and_does_not_hammer) {
  Duration now{0};
  int sent = 0;
  while (now < minutes(1)) {
    if (send(Verb::Create, now) == 1) {
      ++sent;
      answer(failed(ErrorCode::Expired), now);
      EXPECT_EQ(reads(now), 0U);
      EXPECT_TRUE(writes.refusals().empty());
    }
    now += milliseconds(10);
  }
  EXPECT_GE(sent, 5);
  EXPECT_LE(sent, 10);
}

TEST_F(WritesTest, forgets_a_refusal_once_a_write_succeeds) {
  send(Verb::Create, seconds(0));
  answer(failed(ErrorCode::Forbidden), seconds(0));
  ASSERT_EQ(send(Verb::Create, seconds(9)), 1U);
  answer(ResourceView{pod("a", "7")}, seconds(9));
  EXPECT_TRUE(writes.refusals().empty());
}

TEST_F(WritesTest, takes_a_delete_of_what_is_gone_as_done) {
  cache.put(pod("a", "7"));
  send(Verb::Delete, seconds(0), "uid-1");
  answer(failed(ErrorCode::NotFound), seconds(1));
  EXPECT_FALSE(is_cached());
  EXPECT_TRUE(writes.refusals().empty());
}

TEST_F(WritesTest, leaves_a_name_that_is_taken_refused_and_out_of_the_cache) {
  send(Verb::Create, seconds(0));
  answer(failed(ErrorCode::AlreadyExists), seconds(0));
  EXPECT_EQ(reads(seconds(0)), 1U);
  PodView foreign = pod("a", "7");
  foreign.meta.agent.clear();
  read(ResourceView{foreign}, seconds(0));
  EXPECT_FALSE(is_cached());
  EXPECT_TRUE(writes.refusals().contains(pod_key("a")));
}

TEST_F(WritesTest, waits_for_nothing_but_the_answer_while_an_object_is_unknown) {
  send(Verb::Create, seconds(0));
  answer(failed(ErrorCode::AlreadyExists), seconds(0));
  EXPECT_EQ(writes.may_send_at(pod_key("a")), std::nullopt);
}

}  // namespace
}  // namespace ray_gitops::engine::test
