// An AutoscalerPolicy's anchor: made, changed, and gone with its file.

#include "reconcilers/policy/reconcile.h"

#include <optional>
#include <utility>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/view.h"

namespace ray_gitops::test {
namespace {

constexpr Now k_now{{1'000'000}, {5'000}};
const ObjectKey k_policy{Kind::AutoscalerPolicy, "platform", "teams"};

Declaration policy(const std::string& hash) {
  Declaration declaration;
  declaration.key = k_policy;
  declaration.document = Document(nlohmann::json::object({{"kind", "AutoscalerPolicy"}}));
  AutoscalerPolicySpec spec;
  spec.tenants.emplace_back().name = "blue";
  declaration.spec = std::move(spec);
  declaration.spec_hash = hash;
  return declaration;
}

PolicyObserved seen(std::optional<ConfigMapView> anchor) {
  PolicyObserved observed;
  observed.anchor = Known<std::optional<ConfigMapView>>{std::move(anchor)};
  return observed;
}

ConfigMapView anchor_of(const Declaration& declaration) {
  nlohmann::json body = policy_anchor_body(declaration, "demo")->json();
  body["metadata"]["uid"] = "uid-1";
  body["metadata"]["resourceVersion"] = "7";
  return std::get<ConfigMapView>(parse_view(ResourceType::ConfigMap, body).value());
}

Plan follow(const Declaration& declaration, const PolicyObserved& observed) {
  return policy::reconcile(declaration, observed, "demo", k_now);
}

TEST(Policy, is_saved_in_an_anchor_and_ready_then) {
  const Plan first = follow(policy("v1:1"), seen(std::nullopt));
  ASSERT_EQ(first.actions.size(), 1U);
  EXPECT_EQ(first.actions[0].verb, Verb::Create);
  EXPECT_EQ(first.actions[0].target, anchor_key(k_policy));
  EXPECT_EQ(first.actions[0].target.name, "autoscalerpolicy.teams");
  EXPECT_EQ(first.phase, Phase::Applying);
  const Plan then = follow(policy("v1:1"), seen(anchor_of(policy("v1:1"))));
  EXPECT_TRUE(then.actions.empty());
  EXPECT_EQ(then.phase, Phase::Ready);
  EXPECT_EQ(then.message, "1 tenant, 0 schedules and 0 warm groups are in force");
}

TEST(Policy, replaces_the_anchor_of_an_earlier_document) {
  const Plan plan = follow(policy("v1:2"), seen(anchor_of(policy("v1:1"))));
  ASSERT_EQ(plan.actions.size(), 1U);
  EXPECT_EQ(plan.actions[0].verb, Verb::Replace);
  EXPECT_EQ(plan.actions[0].preconditions.resource_version, "7");
}

TEST(Policy, says_when_its_anchors_name_is_taken) {
  PolicyObserved observed = seen(std::nullopt);
  Refusal refusal;
  refusal.error.code = ErrorCode::AlreadyExists;
  observed.refusals[anchor_key(k_policy)] = refusal;
  const Plan plan = follow(policy("v1:1"), observed);
  EXPECT_EQ(plan.phase, Phase::Blocked);
  EXPECT_EQ(plan.reason, "NameTaken");
}

TEST(Policy, looks_again_when_a_schedule_begins_or_ends) {
  PolicyObserved observed = seen(anchor_of(policy("v1:1")));
  observed.next_change = k_now.wall + std::chrono::seconds(90);
  EXPECT_EQ(follow(policy("v1:1"), observed).next_look_at,
            std::optional(k_now.monotonic + std::chrono::seconds(90)));
}

TEST(Policy, leaves_with_its_file) {
  const Plan plan = policy::plan_removal(k_policy, seen(anchor_of(policy("v1:1"))), "demo", k_now);
  ASSERT_EQ(plan.actions.size(), 1U);
  EXPECT_EQ(plan.actions[0].verb, Verb::Delete);
  EXPECT_EQ(plan.actions[0].preconditions.uid, "uid-1");
  EXPECT_TRUE(policy::plan_removal(k_policy, seen(std::nullopt), "demo", k_now).actions.empty());
}

TEST(Policy, decides_nothing_while_its_anchor_is_not_known) {
  PolicyObserved observed;
  EXPECT_TRUE(follow(policy("v1:1"), observed).actions.empty());
  EXPECT_TRUE(policy::plan_removal(k_policy, observed, "demo", k_now).actions.empty());
}

}  // namespace
}  // namespace ray_gitops::test
