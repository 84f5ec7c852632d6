#include "agent/engine/lease.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/manifest/names.h"
#include "tests/unit/engine/support.h"

namespace ray_gitops::engine {
namespace {

using test::at;

LeaseView lease(const std::string& holder, const std::string& version) {
  LeaseView view;
  view.meta.key = agent_lease_key("ops", "blue");
  view.meta.uid = "u1";
  view.meta.resource_version = version;
  view.holder = holder;
  view.duration = std::chrono::seconds(15);
  view.transitions = 4;
  return view;
}

class LeaseTest : public testing::Test {
 protected:
  EngineOptions options_ = test::options();
  Lease lease_{options_};
  std::optional<SendWrite> sent_;

  void pump(double seconds) {
    Effects effects;
    lease_.pump(at(seconds), effects);
    keep(effects);
  }
  void read(std::optional<ResourceView> object, double seconds) {
    Effects effects;
    EXPECT_TRUE(lease_.on(ReadAnswered{agent_lease_key("ops", "blue"), std::move(object)},
                          at(seconds), effects));
    keep(effects);
  }
  void grant(double seconds) {
    Effects effects;
    ASSERT_TRUE(sent_);
    EXPECT_TRUE(
        lease_.on(WriteAnswered{sent_->write_id, std::optional<ResourceView>(lease("host-1", "9"))},
                  at(seconds), effects));
  }
  void keep(const Effects& effects) {
    const auto writes = test::all_of<SendWrite>(effects);
    sent_ = writes.empty() ? std::nullopt : std::optional(writes[0]);
  }
};

TEST_F(LeaseTest, is_made_when_there_is_none_and_held_once_granted) {
  pump(0);
  read(std::nullopt, 0);
  ASSERT_TRUE(sent_);
  EXPECT_EQ(sent_->action.verb, Verb::Create);
  EXPECT_FALSE(lease_.is_held(at(0)));
  grant(1);
  EXPECT_TRUE(lease_.is_held(at(1)));
}

TEST_F(LeaseTest, is_renewed_every_five_seconds_and_no_oftener) {
  pump(0);
  read(std::nullopt, 0);
  grant(0);
  pump(4.9);
  EXPECT_FALSE(sent_);
  pump(5);
  ASSERT_TRUE(sent_);
  EXPECT_EQ(sent_->action.verb, Verb::Replace);
  EXPECT_EQ(sent_->action.preconditions.resource_version, "9");
}

TEST_F(LeaseTest, is_lost_before_another_may_take_it_when_renewals_go_unanswered) {
  pump(0);
  read(std::nullopt, 0);
  grant(0);
  EXPECT_TRUE(lease_.is_held(at(9.9)));
  EXPECT_FALSE(lease_.is_held(at(10)));
  EXPECT_LT(Lease::k_renew_deadline, Lease::k_duration);
}

TEST_F(LeaseTest, of_another_is_taken_only_after_it_stood_still_for_its_duration) {
  pump(0);
  read(std::optional<ResourceView>(lease("host-2", "3")), 0);
  EXPECT_FALSE(sent_);
  EXPECT_NE(lease_.obstacle().find("host-2"), std::string::npos);
  pump(10);
  read(std::optional<ResourceView>(lease("host-2", "4")), 10);  // it was renewed
  EXPECT_FALSE(sent_);
  pump(24);
  read(std::optional<ResourceView>(lease("host-2", "4")), 24);
  EXPECT_FALSE(sent_);
  pump(26);
  read(std::optional<ResourceView>(lease("host-2", "4")), 26);
  ASSERT_TRUE(sent_);
  EXPECT_EQ(sent_->action.body.json()["spec"]["leaseTransitions"], 5);
}

TEST_F(LeaseTest, of_the_same_instance_is_taken_at_once) {
  pump(0);
  read(std::optional<ResourceView>(lease("host-1", "3")), 0);
  ASSERT_TRUE(sent_);
  EXPECT_EQ(sent_->action.body.json()["spec"]["leaseTransitions"], 4);
}

TEST_F(LeaseTest, is_given_back_at_the_end) {
  pump(0);
  read(std::nullopt, 0);
  grant(0);
  Effects effects;
  lease_.release(at(1), effects);
  keep(effects);
  ASSERT_TRUE(sent_);
  EXPECT_EQ(sent_->action.body.json()["spec"]["holderIdentity"], "");
  EXPECT_FALSE(lease_.is_held(at(1)));
}

}  // namespace
}  // namespace ray_gitops::engine
