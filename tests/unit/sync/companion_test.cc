#include "reconcilers/sync/companion.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/declared.h"

namespace ray_gitops::sync {
namespace {

const Instant k_now = Instant{} + std::chrono::hours(1);

Declaration config_map() {
  return test::declared(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: code, namespace: team}\n"
      "data: {job.py: 'print(1)'}\n");
}

ObjectMeta live_meta(const Declaration& declaration) {
  ObjectMeta meta;
  meta.key = companion_resource(declaration.key);
  meta.uid = "u1";
  meta.agent = "blue";
  meta.desired_hash = declaration.spec_hash;
  return meta;
}

CompanionObserved observed(std::optional<ObjectMeta> live) {
  CompanionObserved seen;
  seen.live = Known<std::optional<ObjectMeta>>{std::move(live)};
  return seen;
}

TEST(Companion, a_missing_one_is_applied_with_our_label_and_hash) {
  const Declaration declaration = config_map();
  const Plan plan = reconcile_companion(declaration, observed(std::nullopt), "blue", k_now);
  ASSERT_EQ(plan.actions.size(), 1U);
  EXPECT_EQ(plan.actions[0].verb, Verb::Apply);
  const nlohmann::json& body = plan.actions[0].body.json();
  EXPECT_EQ(body["metadata"]["labels"]["ray-gitops.io/agent"], "blue");
  EXPECT_EQ(body["metadata"]["annotations"]["ray-gitops.io/desired-hash"], declaration.spec_hash);
  EXPECT_EQ(body["data"]["job.py"], "print(1)");
}

TEST(Companion, one_that_is_as_declared_is_left_alone) {
  const Declaration declaration = config_map();
  const Plan plan =
      reconcile_companion(declaration, observed(live_meta(declaration)), "blue", k_now);
  EXPECT_TRUE(plan.actions.empty());
  EXPECT_EQ(plan.phase, Phase::Ready);
}

TEST(Companion, a_change_of_the_file_or_by_somebody_else_is_applied_again) {
  const Declaration declaration = config_map();
  ObjectMeta old = live_meta(declaration);
  old.desired_hash = "v1:old";
  EXPECT_EQ(reconcile_companion(declaration, observed(old), "blue", k_now).actions.size(), 1U);
  CompanionObserved touched = observed(live_meta(declaration));
  touched.touched = true;
  EXPECT_EQ(reconcile_companion(declaration, touched, "blue", k_now).actions.size(), 1U);
}

// An apply would change nothing there, and be planned again and again.
TEST(Companion, one_that_is_being_deleted_is_waited_for) {
  const Declaration declaration = config_map();
  ObjectMeta leaving = live_meta(declaration);
  leaving.terminating = true;
  const Plan plan = reconcile_companion(declaration, observed(leaving), "blue", k_now);
  EXPECT_TRUE(plan.actions.empty());
  EXPECT_EQ(plan.phase, Phase::Progressing);
}

TEST(Companion, nothing_is_done_while_it_is_unknown) {
  CompanionObserved unknown;
  unknown.live = Unknown{"no list yet"};
  EXPECT_TRUE(reconcile_companion(config_map(), unknown, "blue", k_now).actions.empty());
  EXPECT_TRUE(plan_companion_removal(config_map().key, unknown).actions.empty());
}

TEST(Companion, of_a_name_that_another_object_made_is_neither_written_nor_deleted) {
  const Declaration declaration = config_map();
  ObjectMeta made = live_meta(declaration);
  made.owner_uid = "uid-of-an-anchor";
  const Plan plan = reconcile_companion(declaration, observed(made), "blue", k_now);
  EXPECT_TRUE(plan.actions.empty());
  EXPECT_EQ(plan.phase, Phase::Blocked);
  EXPECT_EQ(plan.reason, "NameTaken");
  EXPECT_TRUE(plan_companion_removal(declaration.key, observed(made)).actions.empty());
}

TEST(Companion, removal_deletes_the_very_object_that_was_seen) {
  const Declaration declaration = config_map();
  const Plan plan = plan_companion_removal(declaration.key, observed(live_meta(declaration)));
  ASSERT_EQ(plan.actions.size(), 1U);
  EXPECT_EQ(plan.actions[0].verb, Verb::Delete);
  EXPECT_EQ(plan.actions[0].preconditions.uid, "u1");
}

TEST(Companion, a_namespace_is_applied_and_never_deleted) {
  const Declaration declaration =
      test::declared("apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n");
  const Plan plan = reconcile_companion(declaration, observed(std::nullopt), "blue", k_now);
  ASSERT_EQ(plan.actions.size(), 1U);
  EXPECT_FALSE(plan.actions[0].body.json()["metadata"].contains("namespace"));
  EXPECT_TRUE(
      plan_companion_removal(declaration.key, observed(live_meta(declaration))).actions.empty());
}

TEST(Companion, only_what_we_had_applied_is_taken_back_from_others) {
  const Declaration declaration = config_map();
  CompanionObserved touched = observed(live_meta(declaration));
  touched.touched = true;
  touched.last_other = "kubectl-patch";
  const Plan repair = reconcile_companion(declaration, touched, "blue", k_now);
  ASSERT_EQ(repair.actions.size(), 1U);
  EXPECT_TRUE(repair.actions[0].force);
  EXPECT_EQ(repair.actions[0].reason, "field manager kubectl-patch changed it");
  ObjectMeta old = live_meta(declaration);
  old.desired_hash = "v1:old";
  touched.live = Known<std::optional<ObjectMeta>>{old};
  EXPECT_FALSE(reconcile_companion(declaration, touched, "blue", k_now).actions[0].force);
  EXPECT_FALSE(
      reconcile_companion(declaration, observed(std::nullopt), "blue", k_now).actions[0].force);
}

TEST(Companion, a_fight_is_five_repairs_within_ten_minutes) {
  const auto at = [](int minute) { return Instant{} + std::chrono::minutes(minute); };
  EXPECT_FALSE(fight_pause({at(1), at(2), at(3), at(4)}, at(5)));
  EXPECT_EQ(fight_pause({at(1), at(2), at(3), at(4), at(5)}, at(6)), at(15));
  EXPECT_FALSE(fight_pause({at(1), at(2), at(3), at(4), at(5)}, at(15)));
  EXPECT_FALSE(fight_pause({at(1), at(4), at(7), at(10), at(12)}, at(13)));
  EXPECT_EQ(fight_pause({at(1), at(4), at(7), at(10), at(11)}, at(12)), at(21));
}

TEST(Companion, a_fight_is_reported_with_the_other_manager_and_not_fought) {
  const Declaration declaration = config_map();
  CompanionObserved fought = observed(live_meta(declaration));
  fought.touched = true;
  fought.last_other = "other-tool";
  fought.repairs.assign(k_repairs_max, k_now);
  const Plan plan = reconcile_companion(declaration, fought, "blue", k_now);
  EXPECT_TRUE(plan.actions.empty());
  EXPECT_EQ(plan.phase, Phase::Degraded);
  EXPECT_EQ(plan.reason, "FieldsFoughtOver");
  EXPECT_NE(plan.message.find("other-tool"), std::string::npos);
  EXPECT_EQ(plan.next_look_at, k_now + k_repairs_window);
  // A changed file is applied all the same.
  ObjectMeta old = live_meta(declaration);
  old.desired_hash = "v1:old";
  fought.live = Known<std::optional<ObjectMeta>>{old};
  EXPECT_EQ(reconcile_companion(declaration, fought, "blue", k_now).actions.size(), 1U);
}

TEST(Companion, it_waits_for_what_it_may_refer_to) {
  CompanionObserved waiting = observed(std::nullopt);
  waiting.waits = true;
  const Plan plan = reconcile_companion(config_map(), waiting, "blue", k_now);
  EXPECT_TRUE(plan.actions.empty());
  EXPECT_EQ(plan.phase, Phase::Pending);
  CompanionObserved leaving = observed(live_meta(config_map()));
  leaving.waits = true;
  EXPECT_TRUE(plan_companion_removal(config_map().key, leaving).actions.empty());
}

TEST(Companion, a_kind_that_cannot_be_listed_is_reported_and_waited_for_by_nobody) {
  CompanionObserved refused;
  refused.live = Unknown{"no list yet"};
  refused.problem = Error{ErrorCode::Forbidden, "configmaps is forbidden", {}};
  const Plan plan = reconcile_companion(config_map(), refused, "blue", k_now);
  EXPECT_EQ(plan.phase, Phase::Degraded);
  EXPECT_NE(plan.message.find("forbidden"), std::string::npos);
}

TEST(Companion, a_claim_goes_with_its_data_only_when_it_says_so) {
  const ObjectKey claim{Kind::PersistentVolumeClaim, "team", "data"};
  CompanionView view;
  ResourceView live{view};
  EXPECT_FALSE(is_prunable(claim, &live));
  EXPECT_FALSE(is_prunable(claim, nullptr));
  view.may_be_pruned = true;
  live = view;
  EXPECT_TRUE(is_prunable(claim, &live));
  EXPECT_TRUE(is_prunable({Kind::Role, "team", "reader"}, nullptr));
  EXPECT_FALSE(is_prunable({Kind::Namespace, "", "team"}, &live));
}

TEST(Companion, what_is_referred_to_comes_first) {
  const std::vector<Kind> order{Kind::Namespace, Kind::Role,    Kind::RoleBinding,
                                Kind::ConfigMap, Kind::Service, Kind::Deployment,
                                Kind::HTTPRoute};
  for (std::size_t index = 1; index < order.size(); ++index)
    EXPECT_LT(companion_wave(order[index - 1]), companion_wave(order[index]));
  EXPECT_LT(companion_wave(Kind::ServiceAccount), companion_wave(Kind::RoleBinding));
  EXPECT_LT(companion_wave(Kind::PersistentVolumeClaim), companion_wave(Kind::Job));
}

}  // namespace
}  // namespace ray_gitops::sync
