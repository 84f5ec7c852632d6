// Who may have how much, when clusters want more than there is.

#include "reconcilers/autoscaler/fair_share.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "reconcilers/manifest/pod_amounts.h"

namespace ray_gitops::test {
namespace {

using autoscaler::share;
using autoscaler::Tenant;
using autoscaler::TenantMember;
using autoscaler::Want;

PodAmounts cores(std::int64_t count) { return {{"cpu", count * k_units_per_whole}}; }

ObjectKey cluster(const std::string& name) { return {Kind::RayCluster, "default", name}; }

TenantMember member(const std::string& name, std::int64_t used, std::vector<Want> wants) {
  return {cluster(name), cores(used), std::move(wants)};
}

std::int64_t granted(const std::map<ObjectKey, PodAmounts>& grants, const std::string& name) {
  const auto found = grants.find(cluster(name));
  return found == grants.end() ? 0 : found->second.at("cpu") / k_units_per_whole;
}

TEST(FairShare, grants_all_that_is_wanted_where_there_is_enough) {
  const auto grants = share(cores(20), {{"blue", {}, 1, {member("a", 4, {{cores(1), 6}})}},
                                        {"green", cores(8), 1, {member("b", 2, {{cores(2), 3}})}}});
  EXPECT_EQ(granted(grants, "a"), 6);
  EXPECT_EQ(granted(grants, "b"), 6);
}

TEST(FairShare, keeps_a_tenant_within_its_quota) {
  const auto grants = share({}, {{"blue", cores(5), 1, {member("a", 2, {{cores(2), 9}})}}});
  EXPECT_EQ(granted(grants, "a"), 2);
}

TEST(FairShare, splits_what_does_not_suffice_by_weight_and_by_what_each_has) {
  const auto even = share(cores(10), {{"blue", {}, 1, {member("a", 4, {{cores(1), 9}})}},
                                      {"green", {}, 1, {member("b", 0, {{cores(1), 9}})}}});
  EXPECT_EQ(granted(even, "a"), 1);
  EXPECT_EQ(granted(even, "b"), 5);
  const auto weighted = share(cores(9), {{"blue", {}, 2, {member("a", 0, {{cores(1), 9}})}},
                                         {"green", {}, 1, {member("b", 0, {{cores(1), 9}})}}});
  EXPECT_EQ(granted(weighted, "a"), 6);
  EXPECT_EQ(granted(weighted, "b"), 3);
}

TEST(FairShare, leaves_what_one_tenant_does_not_want_to_the_others) {
  const auto grants = share(cores(10), {{"blue", {}, 1, {member("a", 0, {{cores(1), 2}})}},
                                        {"green", {}, 1, {member("b", 0, {{cores(1), 20}})}}});
  EXPECT_EQ(granted(grants, "a"), 2);
  EXPECT_EQ(granted(grants, "b"), 8);
}

TEST(FairShare, splits_a_tenants_part_among_its_clusters) {
  const auto grants = share(
      {},
      {{"blue", cores(6), 1, {member("a", 0, {{cores(1), 9}}), member("b", 0, {{cores(1), 9}})}}});
  EXPECT_EQ(granted(grants, "a"), 3);
  EXPECT_EQ(granted(grants, "b"), 3);
}

TEST(FairShare, grants_a_gang_as_a_whole_or_not_at_all) {
  const std::vector<Want> gang_then_single{{cores(8), 1}, {cores(1), 1}};
  const auto small = share(cores(6), {{"blue", {}, 1, {member("a", 0, gang_then_single)}}});
  EXPECT_EQ(granted(small, "a"), 1);
  const auto large = share(cores(9), {{"blue", {}, 1, {member("a", 0, gang_then_single)}}});
  EXPECT_EQ(granted(large, "a"), 9);
}

TEST(FairShare, compares_tenants_by_the_resource_that_they_have_most_of) {
  const PodAmounts whole{{"cpu", 10 * k_units_per_whole}, {"gpu", 4 * k_units_per_whole}};
  const PodAmounts two_gpus{{"gpu", 2 * k_units_per_whole}};
  const auto grants = share(whole, {{"blue", {}, 1, {{cluster("a"), two_gpus, {{cores(1), 10}}}}},
                                    {"green", {}, 1, {member("b", 0, {{cores(1), 10}})}}});
  // Half of the GPUs are as much as half of the cores, and half of both is no more than that.
  EXPECT_EQ(granted(grants, "a"), 5);
  EXPECT_EQ(granted(grants, "b"), 5);
}

TEST(FairShare, grants_nothing_more_to_who_is_beyond_a_limit_already) {
  const auto grants = share(cores(4), {{"blue", cores(3), 1, {member("a", 6, {{cores(1), 1}})}}});
  EXPECT_EQ(granted(grants, "a"), 0);
}

TEST(FairShare, renders_amounts_without_what_does_not_count) {
  EXPECT_EQ(autoscaler::render_amount(2 * k_units_per_whole), "2");
  EXPECT_EQ(autoscaler::render_amount(k_units_per_whole / 2), "0.5");
  EXPECT_EQ(autoscaler::render_amount(k_units_per_whole + 100), "1.01");
}

std::vector<Want> any_wants() {
  std::vector<Want> wants;
  for (int count = *rc::gen::inRange(0, 4); count > 0; --count)
    wants.push_back({cores(*rc::gen::inRange(1, 6)), *rc::gen::inRange<std::int64_t>(1, 5)});
  return wants;
}

std::vector<Tenant> any_tenants() {
  std::vector<Tenant> tenants;
  for (int index = *rc::gen::inRange(1, 4); index > 0; --index) {
    const std::string name = "tenant-" + std::to_string(index);
    Tenant tenant{name, {}, *rc::gen::inRange<std::int64_t>(1, 4), {}};
    if (*rc::gen::arbitrary<bool>()) tenant.quota = cores(*rc::gen::inRange(0, 20));
    for (int count = *rc::gen::inRange(0, 4); count > 0; --count)
      tenant.members.push_back(
          member(name + "-" + std::to_string(count), *rc::gen::inRange(0, 6), any_wants()));
    tenants.push_back(std::move(tenant));
  }
  return tenants;
}

RC_GTEST_PROP(AnyTenants, stay_within_every_limit_and_leave_nothing_that_one_could_have, ()) {
  const PodAmounts capacity = cores(*rc::gen::inRange(0, 40));
  const std::vector<Tenant> tenants = any_tenants();
  const auto grants = share(capacity, tenants);
  PodAmounts left = capacity;
  for (const Tenant& tenant : tenants)
    for (const TenantMember& each : tenant.members) add_amounts(left, each.used, -1);
  for (const auto& [key, amounts] : grants) add_amounts(left, amounts, -1);
  RC_ASSERT(grants.empty() || left["cpu"] >= 0);
  for (const Tenant& tenant : tenants) {
    PodAmounts quota = tenant.quota;
    for (const TenantMember& each : tenant.members) {
      add_amounts(quota, each.used, -1);
      const auto found = grants.find(each.cluster);
      if (found == grants.end()) continue;
      add_amounts(quota, found->second, -1);
      if (!tenant.quota.empty()) RC_ASSERT(quota["cpu"] >= 0);
    }
    if (tenant.quota.empty()) quota.clear();
    for (const TenantMember& each : tenant.members) {
      PodAmounts wanted;
      for (const Want& want : each.wants) add_amounts(wanted, want.amounts, want.count);
      const auto found = grants.find(each.cluster);
      const bool has_all = wanted.empty() || (found != grants.end() && found->second == wanted);
      if (!has_all && each.wants.size() == 1)
        RC_ASSERT(!holds(left, each.wants[0].amounts) || !holds(quota, each.wants[0].amounts));
    }
  }
}

}  // namespace
}  // namespace ray_gitops::test
