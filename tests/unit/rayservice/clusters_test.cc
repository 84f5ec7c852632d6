// The remembered clusters, from one round to the next.

#include "reconcilers/rayservice/clusters.h"

#include <gtest/gtest.h>

namespace ray_gitops::rayservice {
namespace {

constexpr WallTime k_now{1'800'000'000'000};
constexpr WallTime k_later{1'900'000'000'000};

RayServiceSpec spec_with(const std::string& head) {
  RayServiceSpec spec;
  spec.head_hash = head;
  spec.group_hashes = {{"small", "1"}};
  return spec;
}

ServingCluster made_from(const std::string& name, const std::string& head) {
  ServingCluster cluster;
  cluster.name = name;
  cluster.head_hash = head;
  cluster.group_hashes = {{"small", "1"}};
  return cluster;
}

Family family(const std::set<std::string>& living) { return {"shop", "uid", living, living, {}}; }

TEST(Clusters, have_names_that_fit_whatever_the_service_is_called) {
  Family long_one = family({});
  long_one.service = std::string(63, 's');
  const NextClusters next = next_clusters({}, spec_with("1"), long_one, k_now);
  EXPECT_LE(next.wanted.size(), 63u);
  Family other = long_one;
  other.anchor_uid = "another";
  EXPECT_NE(next_clusters({}, spec_with("1"), other, k_now).wanted, next.wanted);
}

TEST(Clusters, never_get_a_name_that_another_one_has) {
  const std::string first = next_clusters({}, spec_with("1"), family({}), k_now).wanted;
  ServiceState state;
  state.clusters = {made_from("x", "other")};
  state.active = "x";
  const NextClusters next = next_clusters(state, spec_with("1"), family({"x", first}), k_now);
  EXPECT_NE(next.wanted, first);
  EXPECT_EQ(next.state.made, 2);
}

TEST(Clusters, do_not_leave_while_a_service_leads_to_them) {
  ServiceState state;
  state.clusters = {made_from("before", "old"), made_from("after", "1")};
  state.clusters[0].leaves_at = k_now;
  state.active = "after";
  Family leading = family({"before", "after"});
  leading.led_to = {"before"};
  EXPECT_TRUE(next_clusters(state, spec_with("1"), leading, k_now).changes.empty());
  // As one that was to serve again, and then was not.
  state.clusters[0].leaves_at.reset();
  EXPECT_TRUE(next_clusters(state, spec_with("1"), leading, k_now).changes.empty());
  leading.led_to = {"after"};
  EXPECT_EQ(next_clusters(state, spec_with("1"), leading, k_now).state.clusters.size(), 1u);
}

TEST(Clusters, are_at_most_sixteen) {
  ServiceState state;
  std::set<std::string> living;
  for (std::size_t number = 0; number < k_serving_clusters_max; ++number) {
    state.clusters.push_back(made_from("c" + std::to_string(number), "old"));
    state.clusters.back().leaves_at = k_later;
    living.insert(state.clusters.back().name);
  }
  state.active = "c0";
  state.clusters[0].leaves_at.reset();
  const NextClusters next = next_clusters(state, spec_with("1"), family(living), k_now);
  EXPECT_EQ(next.state.clusters.size(), k_serving_clusters_max);
  EXPECT_EQ(next.state.clusters[0].name, "c0") << "the active one stays";
  EXPECT_EQ(next.state.clusters[1].name, "c2");
  EXPECT_EQ(next.state.clusters.back().name, next.wanted);
}

TEST(Clusters, stay_as_they_are_when_nothing_changes) {
  ServiceState state;
  state.clusters = {made_from("a", "0"), made_from("b", "1")};
  state.clusters[0].leaves_at = k_later;
  state.active = "b";
  const NextClusters next = next_clusters(state, spec_with("1"), family({"a", "b"}), k_now);
  EXPECT_EQ(next.state, state);
  EXPECT_TRUE(next.changes.empty());
  EXPECT_EQ(next.wanted, "b");
}

TEST(Clusters, are_wanted_from_the_latest_that_fits) {
  ServiceState state;
  state.clusters = {made_from("a", "1"), made_from("b", "1")};
  state.clusters[0].leaves_at = k_later;
  state.active = "b";
  EXPECT_EQ(next_clusters(state, spec_with("1"), family({"a", "b"}), k_now).wanted, "b");
}

TEST(Clusters, that_are_gone_are_forgotten_unless_they_are_wanted) {
  ServiceState state;
  state.clusters = {made_from("a", "1"), made_from("b", "1")};
  state.clusters[0].leaves_at = k_later;
  state.active = "b";
  const NextClusters one = next_clusters(state, spec_with("1"), family({"b"}), k_now);
  ASSERT_EQ(one.state.clusters.size(), 1u);
  EXPECT_EQ(one.state.clusters[0].name, "b");
  const NextClusters other = next_clusters(state, spec_with("1"), family({"a"}), k_now);
  EXPECT_EQ(other.state, state) << "the wanted one is made again";
}

TEST(Clusters, wait_for_those_from_before_a_suspension) {
  const NextClusters next = next_clusters({}, spec_with("1"), family({"old"}), k_now);
  EXPECT_EQ(next.wanted, "");
  EXPECT_TRUE(next.changes.empty());
}

TEST(Clusters, do_not_follow_an_active_one_that_is_not_among_them) {
  ServiceState state;
  state.clusters = {made_from("a", "1")};
  state.active = "edited by hand";
  const NextClusters next = next_clusters(state, spec_with("1"), family({"a"}), k_now);
  EXPECT_EQ(next.state.active, "");
  EXPECT_EQ(next.wanted, "a");
}

}  // namespace
}  // namespace ray_gitops::rayservice
