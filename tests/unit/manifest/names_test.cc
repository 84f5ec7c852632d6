#include "reconcilers/manifest/names.h"

#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>

namespace ray_gitops {
namespace {

bool is_dns_label(const std::string& name) {
  return !name.empty() && name.size() <= k_name_bytes_max && name.front() != '-' &&
         name.back() != '-' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

// A DNS label of 1 to `longest` bytes.
rc::Gen<std::string> label(int longest) {
  return rc::gen::exec([longest] {
    const auto length = static_cast<std::size_t>(*rc::gen::inRange(1, longest + 1));
    std::string text = *rc::gen::container<std::string>(
        length, rc::gen::elementOf(std::string("abcdefghijklmnopqrstuvwxyz0123456789-")));
    text.front() = 'c';
    text.back() = 'd';
    return text;
  });
}

TEST(Names, are_readable) {
  EXPECT_EQ(head_pod_name("demo"), "demo-head");
  EXPECT_EQ(worker_pod_name("demo", "small", 0), "demo-small-worker-0");
  EXPECT_EQ(worker_pod_name("demo", "small", 12), "demo-small-worker-12");
  EXPECT_EQ(head_service_name("demo", {}), "demo-head-svc");
  EXPECT_EQ(service_fqdn("demo-head-svc", "team"), "demo-head-svc.team.svc.cluster.local");
  EXPECT_EQ(to_string(anchor_key({Kind::RayCluster, "team", "demo"})),
            "ConfigMap/team/raycluster.demo");
  EXPECT_EQ(to_string(agent_anchor_key("system", "prod")), "ConfigMap/system/ray-gitops.prod");
  EXPECT_EQ(to_string(agent_lease_key("system", "prod")), "Lease/system/ray-gitops-prod");
}

TEST(Names, that_fit_stay_as_they_are) {
  EXPECT_EQ(fit_name("demo"), "demo");
  EXPECT_EQ(fit_name(std::string(63, 'a')), std::string(63, 'a'));
}

TEST(Names, that_are_too_long_are_cut_and_told_apart_by_a_hash) {
  const std::string one = fit_name(std::string(63, 'a') + "1");
  const std::string two = fit_name(std::string(63, 'a') + "2");
  EXPECT_EQ(one.size(), 63U);
  EXPECT_EQ(one.substr(0, 55), std::string(54, 'a') + "-");
  EXPECT_NE(one, two);
}

// KubeRay cuts names that share a beginning or an end to the same text (sharp edge E18).
TEST(Names, of_two_groups_with_one_long_beginning_differ) {
  const std::string cluster(53, 'c');
  std::set<std::string> names;
  for (const char* group : {"gpu-a100-on-demand-1", "gpu-a100-on-demand-2", "gpu"})
    for (const std::int64_t slot : {0, 1, 99999})
      names.insert(worker_pod_name(cluster, group, slot));
  EXPECT_EQ(names.size(), 9U);
  for (const std::string& name : names) EXPECT_TRUE(is_dns_label(name)) << name;
}

TEST(Names, keep_their_slot_at_the_end_when_they_are_cut) {
  const std::string cluster(53, 'c');
  const std::string group(63, 'g');
  const std::string name = worker_pod_name(cluster, group, 7);
  EXPECT_TRUE(name.ends_with("-worker-7"));
  EXPECT_EQ(slot_of(name, cluster, group), 7);
}

TEST(Slots, are_only_in_names_that_we_made) {
  EXPECT_EQ(slot_of("demo-small-worker-3", "demo", "small"), 3);
  for (const char* name : {"", "demo", "demo-head", "demo-small-worker-", "demo-small-worker-x",
                           "demo-small-worker--1", "demo-small-worker-+1", "demo-small-worker-1x",
                           "demo-small-worker-01", "demo-small-worker-1 ", "demo-large-worker-1",
                           "other-small-worker-1", "demo-small-worker-99999999999999999999"})
    EXPECT_FALSE(slot_of(name, "demo", "small")) << name;
}

TEST(Slots, of_a_group_are_not_those_of_one_whose_name_begins_alike) {
  EXPECT_FALSE(slot_of("demo-a-worker-1-worker-0", "demo", "a"));
  EXPECT_EQ(slot_of("demo-a-worker-1-worker-0", "demo", "a-worker-1"), 0);
}

TEST(Slots, are_read_back_from_every_name) {
  EXPECT_TRUE(rc::check([] {
    const std::string cluster = *label(53);
    const std::string group = *label(63);
    const auto slot = *rc::gen::inRange<std::int64_t>(0, 1000000);
    const std::string name = worker_pod_name(cluster, group, slot);
    RC_ASSERT(is_dns_label(name));
    RC_ASSERT(slot_of(name, cluster, group) == slot);
  }));
}

TEST(Names, of_two_groups_of_a_cluster_never_meet) {
  EXPECT_TRUE(rc::check([] {
    const std::string cluster = *label(53);
    const std::string left = *label(63);
    const std::string right = *label(63);
    RC_PRE(left != right);
    const auto slot = *rc::gen::inRange<std::int64_t>(0, 1000000);
    RC_ASSERT(!slot_of(worker_pod_name(cluster, left, slot), cluster, right));
  }));
}

TEST(HeadService, has_the_name_that_the_file_gives_it) {
  RayClusterSpec spec;
  spec.head_service = Document(nlohmann::json{{"metadata", {{"name", "entry"}}}});
  EXPECT_EQ(head_service_name("demo", spec), "entry");
}

TEST(IdentifierLabel, is_the_end_of_what_is_too_long) {
  EXPECT_EQ(identifier_label("demo-head"), "demo-head");
  EXPECT_EQ(identifier_label(std::string(60, 'a') + "-head"), std::string(58, 'a') + "-head");
  EXPECT_EQ(identifier_label("aa-" + std::string(62, 'b')), "r" + std::string(62, 'b'));
  EXPECT_EQ(identifier_label(""), "");
}

}  // namespace
}  // namespace ray_gitops
