#include "agent/engine/cache.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/engine/support.h"

namespace ray_gitops::engine {
namespace {

using test::at;
using test::pod;

class CacheTest : public testing::Test {
 protected:
  Cache cache_{{ResourceType::Pod},
               [this](const ResourceView*, const ResourceView*) { ++changes_; }};
  int changes_ = 0;

  void list(std::vector<ResourceView> objects, const std::string& version) {
    cache_.on(ListCompleted{ResourceType::Pod, std::move(objects), version});
  }
  bool has(const std::string& name) const {
    return cache_.find({ResourceType::Pod, "default", name}) != nullptr;
  }
};

TEST_F(CacheTest, nothing_is_complete_before_the_first_list) {
  EXPECT_FALSE(cache_.is_complete(ResourceType::Pod));
  list({}, "5");
  EXPECT_TRUE(cache_.is_complete(ResourceType::Pod));
  EXPECT_FALSE(cache_.is_complete(ResourceType::Secret));
}

TEST_F(CacheTest, a_list_takes_away_what_it_lacks) {
  list({pod("a", "3"), pod("b", "4", "u2")}, "5");
  list({pod("a", "3")}, "9");
  EXPECT_TRUE(has("a"));
  EXPECT_FALSE(has("b"));
}

TEST_F(CacheTest, an_answer_newer_than_the_list_stays) {
  list({}, "5");
  cache_.put(pod("a", "8"));
  list({}, "7");
  EXPECT_TRUE(has("a"));
}

TEST_F(CacheTest, an_older_event_changes_nothing) {
  list({pod("a", "8")}, "8");
  const int before = changes_;
  cache_.on(WatchChanged{ResourceType::Pod, false, pod("a", "7")});
  EXPECT_EQ(changes_, before);
}

TEST_F(CacheTest, a_deletion_of_an_earlier_object_of_that_name_removes_nothing) {
  list({pod("a", "8", "new")}, "8");
  cache_.on(WatchChanged{ResourceType::Pod, true, pod("a", "9", "old")});
  EXPECT_TRUE(has("a"));
}

TEST_F(CacheTest, an_expired_watch_lists_again_and_another_end_resumes) {
  Effects effects;
  cache_.pump(at(0), effects);
  EXPECT_EQ(test::all_of<StartList>(effects).size(), 1U);
  list({}, "5");
  effects.clear();
  cache_.pump(at(1), effects);
  ASSERT_EQ(test::all_of<StartWatch>(effects).size(), 1U);
  cache_.on(WatchBookmark{ResourceType::Pod, "40"});
  effects.clear();
  cache_.on(WatchEnded{ResourceType::Pod, {ErrorCode::Unavailable, "cut", ""}}, at(2), effects);
  cache_.pump(at(2), effects);
  ASSERT_EQ(test::all_of<StartWatch>(effects).size(), 1U);
  EXPECT_EQ(test::all_of<StartWatch>(effects)[0].resource_version, "40");
  effects.clear();
  cache_.on(WatchEnded{ResourceType::Pod, {ErrorCode::Expired, "too old", ""}}, at(3), effects);
  cache_.pump(at(60), effects);
  EXPECT_EQ(test::all_of<StartList>(effects).size(), 1U);
  EXPECT_TRUE(cache_.is_complete(ResourceType::Pod));
}

TEST_F(CacheTest, what_fails_again_and_again_waits_longer) {
  Effects effects;
  cache_.pump(at(0), effects);
  for (int failure = 0; failure < 5; ++failure) {
    cache_.on(WatchEnded{ResourceType::Pod, {ErrorCode::Unavailable, "down", ""}}, at(10), effects);
    cache_.pump(at(1000), effects);
  }
  cache_.on(WatchEnded{ResourceType::Pod, {ErrorCode::Unavailable, "down", ""}}, at(2000), effects);
  ASSERT_TRUE(cache_.deadline());
  EXPECT_GT(*cache_.deadline(), at(2003).monotonic);
}

TEST_F(CacheTest, pods_of_a_cluster_come_in_order_of_name) {
  list({pod("b", "2", "u2"), pod("a", "1")}, "5");
  const std::vector<PodView> pods = cache_.pods_of("default", "demo");
  ASSERT_EQ(pods.size(), 2U);
  EXPECT_EQ(pods[0].meta.key.name, "a");
  EXPECT_TRUE(cache_.pods_of("default", "other").empty());
}

TEST(ResourceVersions, are_compared_as_numbers) {
  EXPECT_TRUE(is_older("9", "10"));
  EXPECT_FALSE(is_older("10", "10"));
  EXPECT_FALSE(is_older("11", "10"));
}

}  // namespace
}  // namespace ray_gitops::engine
