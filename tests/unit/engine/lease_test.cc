#include "agent/engine/lease.h"

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/names.h"
#include "tests/unit/engine/support.h"

namespace ray_gitops::engine::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

LeaseView lease(const std::string& holder, const std::string& version, std::int64_t transitions) {
  LeaseView view;
  view.meta.key = agent_lease_key("ray", "demo");
  view.meta.uid = "uid-lease";
  view.meta.resource_version = version;
  view.holder = holder;
  view.duration = seconds(15);
  view.transitions = transitions;
  return view;
}

class LeaseTest : public testing::Test {
 protected:
  Effects pump(Duration when) {
    Effects effects;
    mine.pump(at(when), effects);
    return effects;
  }
  Effects read(Result<std::optional<ResourceView>> object, Duration when) {
    Effects effects;
    mine.on(ReadAnswered{agent_lease_key("ray", "demo"), std::move(object)}, at(when), effects);
    note(effects);
    return effects;
  }
  Effects answer(Result<std::optional<ResourceView>> object, Duration when) {
    Effects effects;
    EXPECT_TRUE(mine.on(WriteAnswered{write.write_id, std::move(object)}, at(when), effects));
    return effects;
  }
  void note(const Effects& effects) {
    const auto writes = all<SendWrite>(effects);
    if (!writes.empty()) write = writes.back();
  }
  void acquire(Duration when) {
    pump(when);
    read(std::optional<ResourceView>{}, when);
    answer(ResourceView{lease("one", "10", 0)}, when);
  }

  EngineOptions its_options = options();
  Lease mine{its_options};
  SendWrite write;
};

TEST_F(LeaseTest, is_taken_when_there_is_none) {
  EXPECT_EQ(all<SendRead>(pump(seconds(0))).size(), 1U);
  read(std::optional<ResourceView>{}, seconds(0));
  EXPECT_EQ(write.action.verb, Verb::Create);
  EXPECT_FALSE(mine.is_held(at(seconds(0)))) << "not before it is granted";
  answer(ResourceView{lease("one", "10", 0)}, seconds(1));
  EXPECT_TRUE(mine.is_held(at(seconds(1))));
  EXPECT_EQ(mine.epoch(), 1);
}

TEST_F(LeaseTest, is_taken_over_when_the_other_has_been_silent_for_its_whole_duration) {
  pump(seconds(0));
  EXPECT_TRUE(all<SendWrite>(read(ResourceView{lease("two", "10", 0)}, seconds(0))).empty());
  EXPECT_NE(mine.obstacle().find("two"), std::string::npos);
  pump(seconds(14));
  EXPECT_TRUE(all<SendWrite>(read(ResourceView{lease("two", "10", 0)}, seconds(14))).empty());
  EXPECT_EQ(mine.deadline(), at(seconds(15)).monotonic) << "not a whole second late";
  pump(seconds(16));
  EXPECT_EQ(all<SendWrite>(read(ResourceView{lease("two", "10", 0)}, seconds(16))).size(), 1U);
  EXPECT_EQ(write.action.verb, Verb::Replace);
  EXPECT_EQ(write.action.preconditions.resource_version, "10");
  EXPECT_EQ(write.action.body.json()["spec"]["leaseTransitions"], 1);
}

TEST_F(LeaseTest, is_left_to_another_that_renews_it) {
  for (int second = 0; second < 60; second += 5) {
    pump(seconds(second));
    const auto version = std::to_string(100 + second);
    EXPECT_TRUE(
        all<SendWrite>(read(ResourceView{lease("two", version, 0)}, seconds(second))).empty());
  }
}

TEST_F(LeaseTest, is_renewed_every_five_seconds) {
  acquire(seconds(0));
  EXPECT_TRUE(pump(milliseconds(4900)).empty());
  const auto writes = all<SendWrite>(pump(seconds(5)));
  ASSERT_EQ(writes.size(), 1U);
  EXPECT_EQ(writes[0].action.body.json()["spec"]["leaseTransitions"], 0);
}

TEST_F(LeaseTest, is_not_held_nine_seconds_after_the_last_renewal_that_was_granted) {
  acquire(seconds(0));
  note(pump(seconds(5)));
  answer(tl::unexpected<Error>(unavailable()), seconds(8));
  EXPECT_TRUE(mine.is_held(at(milliseconds(8900))));
  EXPECT_FALSE(mine.is_held(at(seconds(9))));
}

TEST_F(LeaseTest, tells_until_when_writes_may_leave_counted_from_when_it_was_asked_for) {
  pump(seconds(0));
  read(std::optional<ResourceView>{}, seconds(0));
  const auto held = all<HoldLease>(answer(ResourceView{lease("one", "10", 0)}, seconds(2)));
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held[0].epoch, 1);
  EXPECT_EQ(held[0].until, at(seconds(9)).monotonic);
}

TEST_F(LeaseTest, lets_no_write_leave_once_another_holds_it) {
  acquire(seconds(0));
  note(pump(seconds(5)));
  answer(failed(ErrorCode::Conflict), seconds(5));
  pump(seconds(6));
  const auto held = all<HoldLease>(read(ResourceView{lease("two", "20", 1)}, seconds(6)));
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held[0].epoch, 0);
}

TEST_F(LeaseTest, is_given_up_at_once_when_another_is_found_to_hold_it) {
  acquire(seconds(0));
  note(pump(seconds(5)));
  answer(failed(ErrorCode::Conflict), seconds(5));
  pump(seconds(6));
  read(ResourceView{lease("two", "20", 1)}, seconds(6));
  EXPECT_FALSE(mine.is_held(at(seconds(6))));
}

TEST_F(LeaseTest, tells_when_the_cluster_is_older_than_it_was) {
  acquire(seconds(0));
  note(pump(seconds(5)));
  answer(failed(ErrorCode::Conflict), seconds(5));
  EXPECT_FALSE(mine.went_back());
  pump(seconds(6));
  read(ResourceView{lease("one", "9", 0)}, seconds(6));
  EXPECT_TRUE(mine.went_back());
}

TEST_F(LeaseTest, tells_when_the_cluster_is_from_before_the_lease) {
  acquire(seconds(0));
  note(pump(seconds(5)));
  answer(failed(ErrorCode::Conflict), seconds(5));
  pump(seconds(6));
  read(std::optional<ResourceView>{}, seconds(6));
  EXPECT_FALSE(mine.went_back()) << "somebody may have deleted it";
  answer(ResourceView{lease("one", "8", 0)}, seconds(6));
  EXPECT_TRUE(mine.went_back());
}

TEST_F(LeaseTest, is_given_back_at_the_end) {
  acquire(seconds(0));
  Effects effects;
  mine.release(at(seconds(1)), effects);
  note(effects);
  EXPECT_FALSE(mine.is_held(at(seconds(1))));
  ASSERT_EQ(all<HoldLease>(effects).size(), 1U);
  EXPECT_EQ(all<HoldLease>(effects)[0].epoch, 0) << "what waits is not sent any more";
  EXPECT_EQ(write.action.body.json()["spec"]["holderIdentity"], "");
  answer(ResourceView{lease("", "11", 0)}, seconds(1));
  EXPECT_TRUE(mine.is_released());
}

}  // namespace
}  // namespace ray_gitops::engine::test
