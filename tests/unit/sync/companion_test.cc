#include "reconcilers/sync/companion.h"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/declared.h"

namespace ray_gitops::sync {
namespace {

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
  return {.live = Known<std::optional<ObjectMeta>>{std::move(live)}, .touched = false};
}

TEST(Companion, a_missing_one_is_applied_with_our_label_and_hash) {
  const Declaration declaration = config_map();
  const Plan plan = reconcile_companion(declaration, observed(std::nullopt), "blue");
  ASSERT_EQ(plan.actions.size(), 1U);
  EXPECT_EQ(plan.actions[0].verb, Verb::Apply);
  const nlohmann::json& body = plan.actions[0].body.json();
  EXPECT_EQ(body["metadata"]["labels"]["ray-gitops.io/agent"], "blue");
  EXPECT_EQ(body["metadata"]["annotations"]["ray-gitops.io/desired-hash"], declaration.spec_hash);
  EXPECT_EQ(body["data"]["job.py"], "print(1)");
}

TEST(Companion, one_that_is_as_declared_is_left_alone) {
  const Declaration declaration = config_map();
  const Plan plan = reconcile_companion(declaration, observed(live_meta(declaration)), "blue");
  EXPECT_TRUE(plan.actions.empty());
  EXPECT_EQ(plan.phase, Phase::Ready);
}

TEST(Companion, a_change_of_the_file_or_by_somebody_else_is_applied_again) {
  const Declaration declaration = config_map();
  ObjectMeta old = live_meta(declaration);
  old.desired_hash = "v1:old";
  EXPECT_EQ(reconcile_companion(declaration, observed(old), "blue").actions.size(), 1U);
  CompanionObserved touched = observed(live_meta(declaration));
  touched.touched = true;
  EXPECT_EQ(reconcile_companion(declaration, touched, "blue").actions.size(), 1U);
}

// An apply would change nothing there, and be planned again and again.
TEST(Companion, one_that_is_being_deleted_is_waited_for) {
  const Declaration declaration = config_map();
  ObjectMeta leaving = live_meta(declaration);
  leaving.terminating = true;
  const Plan plan = reconcile_companion(declaration, observed(leaving), "blue");
  EXPECT_TRUE(plan.actions.empty());
  EXPECT_EQ(plan.phase, Phase::Progressing);
}

TEST(Companion, nothing_is_done_while_it_is_unknown) {
  const CompanionObserved unknown{.live = Unknown{"no list yet"}, .touched = false};
  EXPECT_TRUE(reconcile_companion(config_map(), unknown, "blue").actions.empty());
  EXPECT_TRUE(plan_companion_removal(config_map().key, unknown).actions.empty());
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
  const Plan plan = reconcile_companion(declaration, observed(std::nullopt), "blue");
  ASSERT_EQ(plan.actions.size(), 1U);
  EXPECT_FALSE(plan.actions[0].body.json()["metadata"].contains("namespace"));
  EXPECT_TRUE(
      plan_companion_removal(declaration.key, observed(live_meta(declaration))).actions.empty());
}

}  // namespace
}  // namespace ray_gitops::sync
