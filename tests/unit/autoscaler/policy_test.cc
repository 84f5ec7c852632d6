// What policies say: which clusters they are for, what they let a plan do, what they keep.

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/autoscaler/fleet.h"
#include "reconcilers/autoscaler/planner.h"
#include "tests/unit/autoscaler/cluster_facts.h"

namespace ray_gitops::test {
namespace {

using namespace std::chrono_literals;
using autoscaler::Fleet;
using autoscaler::plan;
using autoscaler::PlannerDecision;
using autoscaler::PlannerInput;
using autoscaler::Want;

PodAmounts cores(std::int64_t count) { return {{"cpu", count * k_units_per_whole}}; }

// One group "small" of pods with one CPU, which request one core, 0 to 9 replicas.
PlannerInput small_cluster() {
  PlannerInput input;
  input.groups = {group_of("small", 0, 9)};
  input.groups[0].charge = cores(1);
  input.targets["small"] = {0, false};
  input.state.session = "session_1";
  input.state.version = 7;
  return input;
}

void ask_for(PlannerInput& input, double cpu_count, std::int64_t count) {
  input.state.pending[ResourceRequest{cpus(cpu_count), {}, {}}] += count;
}

void ask_for_gang(PlannerInput& input, std::size_t bundles) {
  GangRequest gang;
  gang.details = "aa:STRICT_SPREAD|PENDING";
  const PlacementConstraint apart{LabelPair{"_PG_aa", ""}, std::nullopt};
  gang.requests.assign(bundles, ResourceRequest{cpus(1), {apart}, {}});
  input.state.gangs.push_back(std::move(gang));
}

std::int64_t replicas(const PlannerDecision& decision) {
  return decision.groups.at("small").target.replicas;
}

TEST(PlanWithinAnAllowance, launches_what_there_is_room_for_and_says_why_no_more) {
  PlannerInput input = small_cluster();
  ask_for(input, 1, 5);
  EXPECT_EQ(replicas(plan(input)), 5);
  EXPECT_EQ(plan(input).wants, (std::vector<Want>{{cores(1), 5}}));
  input.allowance = {cores(2), "tenant blue may have no more of it now"};
  const PlannerDecision decision = plan(input);
  EXPECT_EQ(replicas(decision), 2);
  ASSERT_EQ(decision.requests.size(), 1U);
  EXPECT_EQ(decision.requests[0].count, 3);
  EXPECT_EQ(decision.requests[0].reason, "small waits: tenant blue may have no more of it now");
  EXPECT_FALSE(decision.requests[0].never) << "it would fail the tasks";
}

TEST(PlanWithinAnAllowance, takes_a_group_that_there_is_room_for) {
  PlannerInput input = small_cluster();
  input.groups.push_back(group_of("other", 0, 9));
  input.groups[1].charge = cores(0);
  input.groups[1].priority = -1;
  ask_for(input, 1, 4);
  input.allowance = {cores(1), "no more"};
  const PlannerDecision decision = plan(input);
  EXPECT_EQ(replicas(decision), 1);
  EXPECT_EQ(decision.groups.at("other").target.replicas, 3);
}

TEST(PlanWithinAnAllowance, makes_all_of_a_gang_or_none) {
  PlannerInput input = small_cluster();
  ask_for_gang(input, 4);
  ask_for(input, 1, 1);
  EXPECT_EQ(plan(input).wants.front(), (Want{cores(4), 1}));
  input.allowance = {cores(3), "no more"};
  const PlannerDecision decision = plan(input);
  EXPECT_EQ(replicas(decision), 1) << "the single request has its place";
  ASSERT_EQ(decision.gangs.size(), 1U);
  EXPECT_NE(decision.gangs[0].reason.find("small waits: no more"), std::string::npos);
  input.allowance = {cores(4), "no more"};
  EXPECT_EQ(replicas(plan(input)), 4);
}

TEST(PlanWithinAnAllowance, has_the_files_minimum_whatever_the_limit) {
  PlannerInput input = small_cluster();
  input.groups[0].replicas_min = 3;
  input.allowance = {cores(0), "no more"};
  EXPECT_EQ(replicas(plan(input)), 3);
  EXPECT_TRUE(plan(input).wants.empty());
}

TEST(PlanWithinAnAllowance, is_overdrawn_by_minima_for_those_only_who_need_of_it) {
  PlannerInput input = small_cluster();
  input.groups[0].replicas_min = 3;
  input.groups.push_back(group_of("other", 0, 9));
  input.groups[1].charge = cores(0);
  ask_for(input, 1, 5);
  input.allowance = {cores(0), "no more"};
  const PlannerDecision decision = plan(input);
  EXPECT_EQ(replicas(decision), 3);
  EXPECT_EQ(decision.groups.at("other").target.replicas, 2);
}

TEST(PlanWithPolicies, keeps_what_a_schedule_asks_for_where_there_is_room) {
  PlannerInput input = small_cluster();
  input.groups[0].kept = 3;
  input.groups[0].kept_by = "schedule office of AutoscalerPolicy/default/teams";
  const PlannerDecision decision = plan(input);
  EXPECT_EQ(replicas(decision), 3);
  EXPECT_EQ(decision.groups.at("small").reason,
            "adds 3 for a minimum of 3 pods by schedule office of AutoscalerPolicy/default/teams");
  EXPECT_EQ(decision.wants, (std::vector<Want>{{cores(1), 3}}));
  input.allowance = {cores(2), "no more"};
  EXPECT_EQ(replicas(plan(input)), 2);
}

TEST(PlanWithPolicies, gives_up_nothing_that_is_kept) {
  PlannerInput input = small_cluster();
  input.groups[0].kept = 3;
  input.targets["small"] = {5, false};
  EXPECT_EQ(replicas(plan(input)), 3);
}

TEST(PlanWithPolicies, lets_no_idle_pod_leave_that_is_kept) {
  PlannerInput input = small_cluster();
  for (const char* name : {"a1", "a2"}) {
    input.pods.push_back(pod_of(name));
    input.state.nodes.push_back(node_of(input.pods.back(), 100s));
  }
  input.targets["small"] = {2, false};
  input.groups[0].kept = 2;
  input.groups[0].kept_by = "schedule office";
  const PlannerDecision decision = plan(input);
  EXPECT_TRUE(decision.removals.empty());
  EXPECT_EQ(decision.kept.front().reason, "the group has a minimum of 2 pods by schedule office");
  input.groups[0].kept = 0;
  EXPECT_EQ(plan(input).removals.size(), 2U);
}

TEST(PlanWithPolicies, keeps_so_many_more_than_are_in_use_warm) {
  PlannerInput input = small_cluster();
  input.groups[0].warm = 1;
  input.groups[0].warm_by = "warm group spare";
  EXPECT_EQ(replicas(plan(input)), 1);
  for (const char* name : {"a1", "a2"}) {
    input.pods.push_back(pod_of(name));
    input.state.nodes.push_back(node_of(input.pods.back(), 0s));
  }
  input.targets["small"] = {2, false};
  EXPECT_EQ(replicas(plan(input)), 3);
  input.state.nodes[1].available = input.state.nodes[1].total;
  EXPECT_EQ(replicas(plan(input)), 2) << "one has joined a moment ago";
  input.state.nodes[1].available.clear();
  input.groups[0].replicas_max = 2;
  EXPECT_EQ(replicas(plan(input)), 2);
}

Declaration policy_of(AutoscalerPolicySpec spec, const std::string& hash = "v1:1") {
  Declaration declaration;
  declaration.key = {Kind::AutoscalerPolicy, "default", "teams"};
  declaration.spec = std::move(spec);
  declaration.spec_hash = hash;
  return declaration;
}

AutoscalerPolicySpec tenants(std::vector<TenantSpec> list) {
  AutoscalerPolicySpec spec;
  spec.tenants = std::move(list);
  return spec;
}

// A head and one group "small", each of pods that request a core.
Declaration cluster_of(const std::string& ns, const std::string& name,
                       const std::string& team = "") {
  const nlohmann::json pod = {
      {"spec", {{"containers", {{{"resources", {{"requests", {{"cpu", "1"}}}}}}}}}}};
  RayClusterSpec spec;
  spec.head.pod_template = Document(pod);
  spec.workers.push_back({});
  spec.workers[0].name = "small";
  spec.workers[0].pod_template = Document(pod);
  Declaration declaration;
  declaration.key = {Kind::RayCluster, ns, name};
  declaration.spec = std::move(spec);
  declaration.spec_hash = "v1:" + team;
  declaration.document =
      Document(nlohmann::json::object({{"metadata", {{"labels", {{"team", team}}}}}}));
  return declaration;
}

TenantSpec tenant_of(const std::string& name, ClusterSelector clusters, PodAmounts quota) {
  return {.name = name, .clusters = std::move(clusters), .quota = std::move(quota)};
}

TEST(Fleet, lets_a_tenants_clusters_have_its_quota_together) {
  Fleet fleet;
  const Declaration one = cluster_of("blue", "one");
  const Declaration two = cluster_of("blue", "two");
  fleet.set_policy(policy_of(tenants({tenant_of("blue", {{"blue"}, {}, {}}, cores(6))})));
  for (const Declaration* each : {&one, &two}) {
    fleet.meet(*each);
    fleet.note_pods(each->key, {{"small", 1}}, 1);
  }
  fleet.note_wants(one.key, {{cores(1), 9}});
  EXPECT_EQ(fleet.allowance(one.key)->room, cores(2));
  EXPECT_EQ(fleet.allowance(one.key)->why,
            "tenant blue of AutoscalerPolicy/default/teams may have no more of it now");
  fleet.note_wants(two.key, {{cores(1), 9}});
  EXPECT_EQ(fleet.allowance(one.key)->room, cores(1));
  fleet.forget(two.key);
  EXPECT_EQ(fleet.allowance(one.key)->room, cores(4));
}

TEST(Fleet, knows_no_limit_of_who_is_nobodys_tenant) {
  Fleet fleet;
  const Declaration cluster = cluster_of("green", "one", "green");
  fleet.meet(cluster);
  EXPECT_FALSE(fleet.allowance(cluster.key));
  fleet.set_policy(policy_of(tenants({tenant_of("blue", {{"blue"}, {}, {}}, cores(6))})));
  EXPECT_FALSE(fleet.allowance(cluster.key));
  fleet.set_policy(
      policy_of(tenants({tenant_of("t", {{}, {}, {{"team", "green"}}}, cores(6))}), "v1:2"));
  EXPECT_TRUE(fleet.allowance(cluster.key));
  fleet.forget_policy({Kind::AutoscalerPolicy, "default", "teams"});
  EXPECT_FALSE(fleet.allowance(cluster.key));
}

TEST(Fleet, selects_by_all_that_is_written) {
  const ObjectKey key{Kind::RayCluster, "blue", "one"};
  EXPECT_TRUE(autoscaler::selects({}, key, {}));
  EXPECT_TRUE(autoscaler::selects({{"blue"}, {"one", "two"}, {}}, key, {}));
  EXPECT_FALSE(autoscaler::selects({{"blue"}, {"two"}, {}}, key, {}));
  EXPECT_FALSE(autoscaler::selects({{}, {}, {{"team", "a"}}}, key, {{"team", "b"}}));
}

TEST(Fleet, says_which_minima_hold_now_and_until_when) {
  Fleet fleet;
  const Declaration cluster = cluster_of("blue", "one");
  const ScheduledMinimum office{.name = "office",
                                .clusters = {{"blue"}, {}, {}},
                                .group = "small",
                                .replicas = 3,
                                .start = "0 8 * * 1-5",
                                .time_zone = "",
                                .length = 10h};
  const WarmGroup spare{.name = "spare", .clusters = {}, .group = "small", .replicas = 1};
  AutoscalerPolicySpec spec;
  spec.schedules = {office};
  spec.warm = {spare};
  fleet.set_policy(policy_of(std::move(spec)));
  fleet.meet(cluster);
  const WallTime morning = parse_rfc3339("2026-11-27T09:00:00Z").value();
  const WallTime evening = parse_rfc3339("2026-11-27T19:00:00Z").value();
  EXPECT_EQ(fleet.group_policies(cluster.key, morning).at("small").kept, 3);
  EXPECT_EQ(fleet.group_policies(cluster.key, evening).at("small").kept, 0);
  EXPECT_EQ(fleet.group_policies(cluster.key, evening).at("small").warm, 1);
  EXPECT_EQ(to_rfc3339(*fleet.next_change(evening)), "2026-11-30T08:00:00Z");
  EXPECT_EQ(to_rfc3339(*fleet.next_change(morning)), "2026-11-27T18:00:00Z") << "set back";
}

TEST(Fleet, says_in_its_summary_who_uses_what_and_who_waits) {
  Fleet fleet;
  const ObjectKey policy{Kind::AutoscalerPolicy, "default", "teams"};
  const Declaration cluster = cluster_of("blue", "one");
  fleet.set_policy(policy_of(tenants({tenant_of("blue", {{"blue"}, {}, {}}, cores(3))})));
  fleet.meet(cluster);
  fleet.note_pods(cluster.key, {{"small", 2}, {"gone", 1}}, 1);
  EXPECT_EQ(fleet.take_changed(), std::set<ObjectKey>{policy});
  EXPECT_TRUE(fleet.take_changed().empty());
  EXPECT_EQ(fleet.summary(policy, {}).canonical(),
            R"({"tenants":[{"clusters":1,"name":"blue","uses":{"cpu":"3","pods":"4"},)"
            R"("waits":false}]})");
  fleet.note_wants(cluster.key, {{cores(1), 1}});
  EXPECT_EQ(fleet.take_changed(), std::set<ObjectKey>{policy});
  EXPECT_NE(fleet.summary(policy, {}).canonical().find(R"("waits":true)"), std::string::npos);
}

TEST(PlanWithinAnAllowance, takes_replicas_of_several_hosts_as_wholes) {
  PlannerInput input = small_cluster();
  input.groups[0].hosts = 4;
  ask_for(input, 1, 6);
  EXPECT_EQ(replicas(plan(input)), 2);
  EXPECT_EQ(plan(input).wants, (std::vector<Want>{{cores(4), 2}}));
  input.allowance = {cores(7), "tenant blue may have no more of it now"};
  const PlannerDecision decision = plan(input);
  EXPECT_EQ(replicas(decision), 1);
  ASSERT_EQ(decision.requests.size(), 1U);
  EXPECT_EQ(decision.requests[0].count, 2);
  input.allowance->room = cores(3);
  EXPECT_EQ(replicas(plan(input)), 0);
}

}  // namespace
}  // namespace ray_gitops::test
