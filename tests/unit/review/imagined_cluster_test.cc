#include "agent/review/imagined_cluster.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/manifest/view.h"

namespace ray_gitops::review::test {
namespace {

ResourceKey map_key(const std::string& name) { return {ResourceType::ConfigMap, "team", name}; }

ResourceView map_view(const std::string& name, const std::string& owner, bool leaving = false) {
  ConfigMapView view;
  view.meta.key = map_key(name);
  view.meta.uid = "uid-" + name;
  view.meta.resource_version = "7";
  view.meta.owner_uid = owner.empty() ? "" : "uid-" + owner;
  view.meta.terminating = leaving;
  return view;
}

Action action(Verb verb, const std::string& name, const std::string& uid = "") {
  const nlohmann::json body{{"kind", "ConfigMap"},
                            {"metadata", {{"name", name}, {"namespace", "team"}}}};
  return {.verb = verb,
          .target = map_key(name),
          .body = Document(body),
          .preconditions = {.uid = uid, .resource_version = {}},
          .wave = 0,
          .reason = "why"};
}

class ImaginedClusterTest : public testing::Test {
 protected:
  void learn(std::vector<ResourceView> views) {
    engine::ListCompleted list{ResourceType::ConfigMap, std::move(views), "41"};
    cluster.learn(list);
    listed = list.objects.size();
  }
  ErrorCode refusal(const Action& action) {
    const auto answer = cluster.carry_out(action, told);
    return answer ? ErrorCode::Internal : answer.error().code;
  }

  ImaginedCluster cluster;
  std::vector<engine::Event> told;
  std::size_t listed = 0;
};

TEST_F(ImaginedClusterTest, what_is_leaving_counts_as_gone) {
  learn({map_view("stays", ""), map_view("leaves", "", true)});
  EXPECT_EQ(listed, 1U);
  EXPECT_EQ(cluster.find(map_key("leaves")), nullptr);
}

TEST_F(ImaginedClusterTest, what_it_makes_is_newer_than_what_was_listed) {
  learn({map_view("old", "")});
  const auto made = cluster.carry_out(action(Verb::Create, "new"), told);
  ASSERT_TRUE(made && *made);
  EXPECT_EQ(meta_of(**made).resource_version, "42");
  EXPECT_TRUE(is_imagined(meta_of(**made).uid));
  const auto replaced = cluster.carry_out(action(Verb::Replace, "old", "uid-old"), told);
  ASSERT_TRUE(replaced && *replaced);
  EXPECT_EQ(meta_of(**replaced).uid, "uid-old");
}

TEST_F(ImaginedClusterTest, refuses_as_a_server_does) {
  learn({map_view("here", "")});
  EXPECT_EQ(refusal(action(Verb::Create, "here")), ErrorCode::AlreadyExists);
  EXPECT_EQ(refusal(action(Verb::Replace, "missing")), ErrorCode::NotFound);
  EXPECT_EQ(refusal(action(Verb::Delete, "missing", "uid")), ErrorCode::NotFound);
  EXPECT_EQ(refusal(action(Verb::Delete, "here", "another")), ErrorCode::Conflict);
}

TEST_F(ImaginedClusterTest, what_an_object_owned_goes_with_it_also_in_a_circle) {
  learn({map_view("a", "c"), map_view("b", "a"), map_view("c", "b"), map_view("other", "")});
  ASSERT_TRUE(cluster.carry_out(action(Verb::Delete, "a", "uid-a"), told));
  EXPECT_EQ(told.size(), 2U);
  EXPECT_EQ(cluster.find_uid("uid-c"), nullptr);
  EXPECT_NE(cluster.find(map_key("other")), nullptr);
}

TEST_F(ImaginedClusterTest, owners_in_a_circle_have_a_subject_each) {
  learn({map_view("a", "b"), map_view("b", "a")});
  const auto subject = cluster.subject_of(*cluster.find(map_key("a")));
  EXPECT_EQ(subject, (ObjectKey{Kind::ConfigMap, "team", "a"}));
}

}  // namespace
}  // namespace ray_gitops::review::test
