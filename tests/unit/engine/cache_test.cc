#include "agent/engine/cache.h"

#include "tests/unit/engine/support.h"

namespace ray_gitops::engine::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class CacheTest : public testing::Test {
 protected:
  CacheTest()
      : cache({ResourceType::Pod},
              [this](const ResourceView*, const ResourceView*) { ++changes; }) {}

  void list(std::vector<ResourceView> pods, const std::string& version) {
    cache.on(ListCompleted{ResourceType::Pod, std::move(pods), version});
  }
  void watch(const PodView& view, bool deleted = false) {
    cache.on(WatchChanged{ResourceType::Pod, deleted, view});
  }
  std::string version_of(const std::string& name) const {
    const ResourceView* view = cache.find(pod_key(name));
    return view == nullptr ? "none" : meta_of(*view).resource_version;
  }
  Effects pump(Duration when) {
    Effects effects;
    cache.pump(at(when), effects);
    return effects;
  }
  void end_watch(ErrorCode code, Duration when) {
    Effects effects;
    cache.on(WatchEnded{ResourceType::Pod, {code, "ended", {}}}, at(when), effects);
  }

  int changes = 0;
  Cache cache;
};

TEST_F(CacheTest, is_complete_only_after_a_whole_list) {
  watch(pod("a", "4"));
  EXPECT_FALSE(cache.all_complete());
  list({}, "5");
  EXPECT_TRUE(cache.all_complete());
}

TEST_F(CacheTest, forgets_what_a_complete_list_lacks) {
  list({pod("a", "3"), pod("b", "4")}, "5");
  list({pod("b", "4")}, "9");
  EXPECT_EQ(version_of("a"), "none");
  EXPECT_EQ(version_of("b"), "4");
}

TEST_F(CacheTest, keeps_an_answer_that_is_newer_than_the_list) {
  list({}, "5");
  cache.put(pod("a", "12"));
  list({}, "9");
  EXPECT_EQ(version_of("a"), "12");
  list({}, "13");
  EXPECT_EQ(version_of("a"), "none");
}

TEST_F(CacheTest, takes_nothing_older_than_what_it_holds) {
  list({pod("a", "10")}, "10");
  changes = 0;
  watch(pod("a", "9"));
  cache.put(pod("a", "10"));
  EXPECT_EQ(version_of("a"), "10");
  EXPECT_EQ(changes, 0);
}

TEST_F(CacheTest, brings_nothing_back_that_the_watch_has_seen_go) {
  list({}, "5");
  watch(pod("a", "7"));
  watch(pod("a", "9"), true);
  cache.put(pod("a", "7"));
  EXPECT_EQ(version_of("a"), "none") << "a late answer to its create";
  cache.put(pod("a", "11", "uid-2"));
  EXPECT_EQ(version_of("a"), "11") << "another one of that name";
}

TEST_F(CacheTest, lets_the_end_of_an_earlier_pod_take_nothing_away) {
  list({pod("a", "10", "uid-2")}, "10");
  cache.remove(pod_key("a"), "uid-1");
  EXPECT_EQ(version_of("a"), "10");
}

TEST_F(CacheTest, finds_the_pods_of_a_cluster_by_their_label_as_it_is_now) {
  list({pod("b", "3"), pod("a", "4")}, "5");
  PodView moved = pod("b", "6");
  moved.cluster = "other";
  watch(moved);
  ASSERT_EQ(cache.pods_of("default", "demo").size(), 1U);
  EXPECT_EQ(cache.pods_of("default", "demo")[0].meta.key.name, "a");
  EXPECT_EQ(cache.pods_of("default", "other").size(), 1U);
}

TEST_F(CacheTest, watches_from_where_it_was_and_lists_again_only_when_that_is_forgotten) {
  EXPECT_EQ(all<StartList>(pump(seconds(0))).size(), 1U);
  list({}, "5");
  EXPECT_EQ(all<StartWatch>(pump(seconds(0))).at(0).resource_version, "5");
  cache.on(WatchBookmark{ResourceType::Pod, "8"});
  end_watch(ErrorCode::Unavailable, seconds(1));
  EXPECT_EQ(all<StartWatch>(pump(seconds(1))).at(0).resource_version, "8");
  end_watch(ErrorCode::Expired, seconds(2));
  EXPECT_EQ(all<StartList>(pump(seconds(3))).size(), 1U);
  EXPECT_TRUE(cache.is_complete(ResourceType::Pod)) << "what was known stays known meanwhile";
}

TEST_F(CacheTest, lists_at_once_when_a_server_that_was_away_has_forgotten_where_it_was) {
  pump(seconds(0));
  list({}, "5");
  for (Duration now{0}; now < seconds(100); now += seconds(31)) {
    ASSERT_EQ(all<StartWatch>(pump(now)).size(), 1U);
    end_watch(ErrorCode::Unavailable, now);
  }
  EXPECT_TRUE(pump(seconds(94)).empty()) << "it waits";
  cache.retry_now();
  ASSERT_EQ(all<StartWatch>(pump(seconds(95))).size(), 1U);
  end_watch(ErrorCode::Expired, seconds(95));
  EXPECT_EQ(all<StartList>(pump(seconds(96))).size(), 1U);
}

TEST_F(CacheTest, starts_no_two_watches_within_a_second_though_each_brought_something) {
  pump(seconds(0));
  list({}, "5");
  ASSERT_EQ(all<StartWatch>(pump(seconds(0))).size(), 1U);
  cache.on(WatchBookmark{ResourceType::Pod, "8"});
  end_watch(ErrorCode::Unavailable, milliseconds(10));
  EXPECT_TRUE(pump(milliseconds(999)).empty());
  ASSERT_EQ(all<StartWatch>(pump(seconds(1))).size(), 1U);
  watch(pod("a", "9"));
  end_watch(ErrorCode::Expired, milliseconds(1010));
  EXPECT_TRUE(pump(milliseconds(1999)).empty());
  EXPECT_EQ(all<StartList>(pump(seconds(2))).size(), 1U);
}

class NamespacedCache : public testing::Test {
 protected:
  static PodView in(const std::string& ns, const std::string& name, const std::string& version) {
    PodView view = pod(name, version);
    view.meta.key.ns = ns;
    return view;
  }
  void list(const std::string& ns, std::vector<ResourceView> pods, const std::string& version) {
    cache.on(ListCompleted{ResourceType::Pod, std::move(pods), version, ns});
  }

  Cache cache{{ResourceType::Pod}, [](const ResourceView*, const ResourceView*) {}, {"a", "b"}};
};

TEST_F(NamespacedCache, asks_for_each_namespace_and_is_complete_with_all_of_them) {
  Effects effects;
  cache.pump(at(seconds(0)), effects);
  const auto lists = all<StartList>(effects);
  ASSERT_EQ(lists.size(), 2U);
  EXPECT_EQ(lists[0].ns, "a");
  EXPECT_EQ(lists[1].ns, "b");
  list("a", {}, "5");
  EXPECT_FALSE(cache.is_complete(ResourceType::Pod));
  list("b", {}, "5");
  EXPECT_TRUE(cache.is_complete(ResourceType::Pod));
  EXPECT_FALSE(cache.is_complete(ResourceType::Service));
}

TEST_F(NamespacedCache, reaches_what_is_in_one_of_them) {
  EXPECT_TRUE(cache.reaches({ResourceType::Pod, "a", "one"}));
  EXPECT_FALSE(cache.reaches({ResourceType::Pod, "c", "one"}));
  EXPECT_FALSE(cache.reaches({ResourceType::Namespace, "", "a"}));
}

TEST_F(NamespacedCache, forgets_only_what_the_list_of_its_own_namespace_lacks) {
  list("a", {in("a", "one", "3")}, "5");
  list("b", {in("b", "two", "4")}, "6");
  list("a", {}, "7");
  EXPECT_EQ(cache.find(in("a", "one", "").meta.key), nullptr);
  EXPECT_NE(cache.find(in("b", "two", "").meta.key), nullptr);
}

TEST_F(NamespacedCache, goes_on_where_each_namespace_was) {
  Effects effects;
  cache.pump(at(seconds(0)), effects);
  list("a", {}, "5");
  list("b", {}, "6");
  effects.clear();
  cache.pump(at(seconds(0)), effects);
  const auto watches = all<StartWatch>(effects);
  ASSERT_EQ(watches.size(), 2U);
  EXPECT_EQ(watches[0].resource_version, "5");
  EXPECT_EQ(watches[1].resource_version, "6");
  cache.on(WatchBookmark{ResourceType::Pod, "9", "b"});
  effects.clear();
  cache.on(WatchEnded{ResourceType::Pod, unavailable(), "b"}, at(seconds(2)), effects);
  cache.pump(at(seconds(2)), effects);
  ASSERT_EQ(all<StartWatch>(effects).size(), 1U);
  EXPECT_EQ(all<StartWatch>(effects)[0].resource_version, "9");
  EXPECT_EQ(all<StartWatch>(effects)[0].ns, "b");
}

TEST_F(NamespacedCache, brings_nothing_back_that_its_own_watch_has_seen_go) {
  list("a", {}, "20");
  list("b", {}, "5");
  cache.put(in("a", "one", "10"));
  EXPECT_EQ(cache.find(in("a", "one", "").meta.key), nullptr);
  cache.put(in("b", "two", "10"));
  EXPECT_NE(cache.find(in("b", "two", "").meta.key), nullptr);
}

TEST_F(CacheTest, waits_longer_each_time_a_list_fails) {
  Duration waited{0};
  Duration now{0};
  for (int attempt = 1; attempt <= 12; ++attempt) {
    ASSERT_EQ(all<StartList>(pump(now)).size(), 1U);
    end_watch(ErrorCode::Unavailable, now);
    const Duration wait = cache.deadline().value() - at(now).monotonic;
    EXPECT_GE(wait, waited);
    EXPECT_LE(wait, seconds(30));
    waited = wait;
    now += wait;
  }
  EXPECT_EQ(waited, Duration(seconds(30)));
}

}  // namespace
}  // namespace ray_gitops::engine::test
