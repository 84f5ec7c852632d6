#include <set>
#include <string>

#include <gtest/gtest.h>

#include "reconcilers/model/object_key.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/view.h"

namespace ray_gitops {
namespace {

constexpr int k_kinds = static_cast<int>(Kind::PodDisruptionBudget) + 1;
constexpr int k_phases = static_cast<int>(Phase::Held) + 1;

TEST(Kind, is_read_back_from_its_name) {
  for (int index = 0; index < k_kinds; ++index) {
    const auto kind = static_cast<Kind>(index);
    EXPECT_EQ(parse_kind(name_of(kind)), kind);
  }
  EXPECT_FALSE(parse_kind("raycluster"));
  EXPECT_FALSE(parse_kind("DaemonSet"));
  EXPECT_FALSE(parse_kind(""));
}

TEST(Kind, is_a_companion_when_we_apply_it_as_written) {
  EXPECT_EQ(all_kinds().size(), static_cast<std::size_t>(k_kinds));
  for (const Kind kind : all_kinds()) {
    const bool is_reconciled =
        kind == Kind::AutoscalerPolicy || std::string(name_of(kind)).starts_with("Ray");
    EXPECT_EQ(is_companion(kind), !is_reconciled);
    if (!is_companion(kind)) continue;
    EXPECT_STREQ(kind_of(companion_type(kind)), name_of(kind));
    EXPECT_EQ(companion_kind(companion_type(kind)), kind);
  }
}

TEST(Kind, that_grants_rights_or_opens_a_cluster_is_not_allowed_by_default) {
  for (const Kind kind : {Kind::Role, Kind::RoleBinding, Kind::Ingress, Kind::HTTPRoute})
    EXPECT_FALSE(default_companions().contains(kind));
  EXPECT_TRUE(default_companions().contains(Kind::ConfigMap));
  EXPECT_EQ(default_companions().size(), 11U);
}

TEST(Key, shows_its_namespace_where_it_has_one) {
  EXPECT_EQ(to_string(ObjectKey{Kind::RayCluster, "default", "demo"}), "RayCluster/default/demo");
  EXPECT_EQ(to_string(ObjectKey{Kind::Namespace, "", "demo"}), "Namespace/demo");
  EXPECT_EQ(to_string(ResourceKey{ResourceType::Pod, "default", "demo-head"}),
            "Pod/default/demo-head");
}

TEST(ResourceType, knows_its_words_in_the_api) {
  EXPECT_STREQ(plural_of(ResourceType::ConfigMap), "configmaps");
  EXPECT_STREQ(kind_of(ResourceType::ConfigMap), "ConfigMap");
  EXPECT_STREQ(api_version_of(ResourceType::ConfigMap), "v1");
  EXPECT_STREQ(api_version_of(ResourceType::Lease), "coordination.k8s.io/v1");
  EXPECT_EQ(group_of(ResourceType::Lease), "coordination.k8s.io");
  EXPECT_EQ(group_of(ResourceType::Pod), "");
}

TEST(Phase, has_a_name_of_its_own) {
  std::set<std::string> names;
  for (int index = 0; index < k_phases; ++index) names.insert(name_of(static_cast<Phase>(index)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(k_phases));
}

TEST(Plan, is_rendered_as_one_line_and_one_more_for_each_action) {
  Plan plan;
  plan.phase = Phase::Progressing;
  plan.reason = "PodsStarting";
  plan.message = "0 of 2 pods ready";
  plan.actions.push_back({.verb = Verb::Create,
                          .target = {ResourceType::Pod, "default", "demo-head"},
                          .body = {},
                          .preconditions = {},
                          .wave = 2,
                          .reason = "the head pod is missing"});
  EXPECT_EQ(render(plan),
            "Progressing PodsStarting: 0 of 2 pods ready\n"
            "  create Pod/default/demo-head: the head pod is missing\n");
}

TEST(View, gives_the_metadata_of_whatever_it_is) {
  PodView pod;
  pod.meta.uid = "of the pod";
  EXPECT_EQ(meta_of(ResourceView{pod}).uid, "of the pod");
}

}  // namespace
}  // namespace ray_gitops
