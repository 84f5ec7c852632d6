#include "agent/engine/writes.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/engine/support.h"

namespace ray_gitops::engine {
namespace {

using test::at;
using test::pod;

class WritesTest : public testing::Test {
 protected:
  Cache cache_{{ResourceType::Pod}, [](const ResourceView*, const ResourceView*) {}};
  Writes writes_{"blue", cache_};
  const ResourceKey key_{ResourceType::Pod, "default", "a"};

  std::uint64_t send(Verb verb, double seconds, const std::string& uid = "") {
    Effects effects;
    writes_.send({.verb = verb,
                  .target = key_,
                  .body = {},
                  .preconditions = {uid, ""},
                  .wave = 0,
                  .reason = "the test wants it"},
                 at(seconds), effects);
    const auto sent = test::all_of<SendWrite>(effects);
    return sent.empty() ? 0 : sent[0].write_id;
  }
  void answer(std::uint64_t id, Result<std::optional<ResourceView>> object, double seconds) {
    Effects effects;
    writes_.on(WriteAnswered{id, std::move(object)}, at(seconds), effects);
  }
  void answer_error(std::uint64_t id, ErrorCode code, double seconds) {
    answer(id, fail(code, "no"), seconds);
  }
  std::size_t reads_at(double seconds) {
    Effects effects;
    writes_.pump(at(seconds), effects);
    return test::all_of<SendRead>(effects).size();
  }
  void read(Result<std::optional<ResourceView>> object, double seconds) {
    Effects effects;
    writes_.on(ReadAnswered{key_, std::move(object)}, at(seconds), effects);
  }
};

TEST_F(WritesTest, one_write_for_an_object_is_under_way) {
  const std::uint64_t first = send(Verb::Create, 0);
  EXPECT_NE(first, 0U);
  EXPECT_EQ(send(Verb::Create, 1), 0U);
  answer(first, std::optional<ResourceView>(pod("a", "3")), 2);
  EXPECT_NE(cache_.find(key_), nullptr);
  EXPECT_NE(send(Verb::Apply, 3), 0U);
}

TEST_F(WritesTest, a_lost_answer_makes_the_object_unknown_until_a_read_decides) {
  answer_error(send(Verb::Create, 0), ErrorCode::Unavailable, 1);
  EXPECT_TRUE(writes_.is_unknown(key_));
  EXPECT_EQ(send(Verb::Create, 2), 0U);
  EXPECT_EQ(reads_at(2), 1U);
  read(std::optional<ResourceView>(pod("a", "3")), 3);
  EXPECT_FALSE(writes_.is_unknown(key_));
  EXPECT_NE(cache_.find(key_), nullptr);
}

TEST_F(WritesTest, a_failed_read_is_asked_again_later) {
  answer_error(send(Verb::Create, 0), ErrorCode::Unavailable, 1);
  EXPECT_EQ(reads_at(1), 1U);
  read(fail(ErrorCode::Unavailable, "down"), 2);
  EXPECT_TRUE(writes_.is_unknown(key_));
  EXPECT_EQ(reads_at(2), 0U);
  EXPECT_EQ(reads_at(20), 1U);
}

TEST_F(WritesTest, a_watch_event_decides_as_well) {
  answer_error(send(Verb::Create, 0), ErrorCode::Unavailable, 1);
  writes_.decided(key_);
  EXPECT_FALSE(writes_.is_unknown(key_));
}

TEST_F(WritesTest, refusals_wait_longer_each_time_and_are_forgotten_by_success) {
  answer_error(send(Verb::Create, 0), ErrorCode::Forbidden, 0);
  EXPECT_EQ(send(Verb::Create, 0.1), 0U);
  answer_error(send(Verb::Create, 1), ErrorCode::Forbidden, 1);
  EXPECT_EQ(send(Verb::Create, 1.6), 0U);
  const std::uint64_t third = send(Verb::Create, 2.1);
  ASSERT_NE(third, 0U);
  EXPECT_EQ(writes_.refusals().at(key_).attempts, 2);
  answer(third, std::optional<ResourceView>(pod("a", "3")), 3);
  EXPECT_TRUE(writes_.refusals().empty());
}

TEST_F(WritesTest, a_name_that_we_hold_ourselves_is_adopted) {
  answer_error(send(Verb::Create, 0), ErrorCode::AlreadyExists, 1);
  EXPECT_EQ(reads_at(1), 1U);
  read(std::optional<ResourceView>(pod("a", "3")), 2);
  EXPECT_TRUE(writes_.refusals().empty());
  EXPECT_NE(cache_.find(key_), nullptr);
}

TEST_F(WritesTest, a_name_that_another_holds_stays_refused_and_out_of_the_cache) {
  answer_error(send(Verb::Create, 0), ErrorCode::AlreadyExists, 1);
  PodView foreign = pod("a", "3");
  foreign.meta.agent = "green";
  EXPECT_EQ(reads_at(1), 1U);
  read(std::optional<ResourceView>(foreign), 2);
  EXPECT_EQ(writes_.refusals().count(key_), 1U);
  EXPECT_EQ(cache_.find(key_), nullptr);
}

TEST_F(WritesTest, deleting_what_is_gone_is_success) {
  cache_.on(ListCompleted{ResourceType::Pod, {pod("a", "3")}, "3"});
  answer_error(send(Verb::Delete, 0, "u1"), ErrorCode::NotFound, 1);
  EXPECT_TRUE(writes_.refusals().empty());
  EXPECT_EQ(cache_.find(key_), nullptr);
}

TEST_F(WritesTest, an_answer_to_a_delete_brings_nothing_back) {
  cache_.on(ListCompleted{ResourceType::Pod, {pod("a", "3")}, "3"});
  const std::uint64_t id = send(Verb::Delete, 0, "u1");
  cache_.on(WatchChanged{ResourceType::Pod, true, pod("a", "5")});
  answer(id, std::optional<ResourceView>(pod("a", "4")), 1);
  EXPECT_EQ(cache_.find(key_), nullptr);
}

}  // namespace
}  // namespace ray_gitops::engine
