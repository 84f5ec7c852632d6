// A cluster that scales with its demand: what the autoscaler wants is done, and nothing but what it
// lets go leaves.

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/raycluster/backoff.h"
#include "reconcilers/raycluster/reconcile.h"
#include "tests/support/declared.h"
#include "tests/support/golden.h"
#include "tests/unit/raycluster/cluster_model.h"
#include "tests/unit/raycluster/observed_file.h"

namespace ray_gitops::raycluster {
namespace {

using namespace std::chrono_literals;
using test::ClusterModel;

const ObjectKey k_demo{Kind::RayCluster, "default", "demo"};

Declaration scaling_declaration() {
  Declaration declaration = test::declared(test::read_text("tests/golden/raycluster/cluster.yaml"));
  auto& spec = std::get<RayClusterSpec>(declaration.spec);
  spec.autoscaling = true;
  for (GroupSpec& group : spec.workers) group.replicas = 0;
  return declaration;
}

Document state_with(std::int64_t small) {
  return Document{nlohmann::json{{"targets", {{"small", small}}}}};
}

class ScalingTest : public testing::Test {
 protected:
  ScalingTest() { wants(0); }
  // The autoscaler does, and has saved it.
  void wants(std::int64_t small) {
    scaling.targets = {{"small", small}, {"large", 0}};
    scaling.state = state_with(small);
  }
  Plan decide() const {
    ClusterObserved observed = model.observed();
    observed.scaling = scaling;
    return reconcile(declaration, observed, test::k_agent_id, model.now());
  }
  void settle() {
    for (int round = 0; round < 10; ++round) {
      model.apply(decide());
      model.pass_time();
    }
  }
  std::vector<const PodView*> workers() const {
    std::vector<const PodView*> found;
    for (const PodView& pod : model.observed().pods.value())
      if (pod.group == "small" && !pod.meta.terminating) found.push_back(&pod);
    return found;
  }
  std::vector<std::string> written(Verb verb, ResourceType type) const {
    std::vector<std::string> names;
    for (const Action& action : decide().actions)
      if (action.verb == verb && action.target.type == type) names.push_back(action.target.name);
    return names;
  }

  static ClusterObserved nothing() {
    ClusterObserved observed;
    observed.anchor = Known<std::optional<ConfigMapView>>{std::nullopt};
    observed.pods = Known<std::vector<PodView>>{{}};
    observed.services = Known<std::vector<ServiceView>>{{}};
    observed.secrets = Known<std::vector<SecretView>>{{}};
    return observed;
  }

  Declaration declaration = scaling_declaration();
  ClusterScaling scaling;
  ClusterModel model{nothing(), {WallTime{1'000'000'000'000}, Instant{1'000'000}}};
};

TEST_F(ScalingTest, has_as_many_workers_as_are_wanted_whatever_the_file_says) {
  settle();
  EXPECT_TRUE(workers().empty());
  wants(2);
  settle();
  EXPECT_EQ(workers().size(), 2U);
  EXPECT_TRUE(decide().actions.empty());
  EXPECT_EQ(decide().phase, Phase::Ready);
}

TEST_F(ScalingTest, saves_what_was_decided_and_creates_beside_it_what_was_saved_before) {
  wants(1);
  settle();
  scaling.state = state_with(3);
  EXPECT_EQ(written(Verb::Replace, ResourceType::ConfigMap),
            std::vector<std::string>{"raycluster.demo"});
  EXPECT_TRUE(written(Verb::Create, ResourceType::Pod).empty());
  scaling.targets["small"] = 3;
  EXPECT_EQ(written(Verb::Create, ResourceType::Pod).size(), 2U);
}

TEST_F(ScalingTest, deletes_no_worker_because_there_are_more_than_wanted) {
  wants(2);
  settle();
  wants(1);
  EXPECT_TRUE(written(Verb::Delete, ResourceType::Pod).empty());
}

TEST_F(ScalingTest, does_not_count_what_leaves_and_deletes_it_when_it_may_go) {
  wants(1);
  settle();
  const PodView leaving = *workers().front();
  scaling.leaving = {leaving.meta.uid};
  EXPECT_TRUE(written(Verb::Delete, ResourceType::Pod).empty());
  EXPECT_EQ(written(Verb::Create, ResourceType::Pod).size(), 1U);
  scaling.deletions = {{leaving.meta.uid, "idle for 61 s, longer than 60 s"}};
  const Plan plan = decide();
  const auto found = std::find_if(plan.actions.begin(), plan.actions.end(),
                                  [](const Action& action) { return action.verb == Verb::Delete; });
  ASSERT_NE(found, plan.actions.end());
  EXPECT_EQ(found->target, leaving.meta.key);
  EXPECT_EQ(found->preconditions.uid, leaving.meta.uid);
  EXPECT_EQ(found->reason, "idle for 61 s, longer than 60 s");
}

TEST_F(ScalingTest, makes_no_more_pods_than_the_maximum_while_some_leave) {
  for (GroupSpec& group : std::get<RayClusterSpec>(declaration.spec).workers)
    group.max_replicas = 2;
  wants(2);
  settle();
  scaling.leaving = {workers().front()->meta.uid};
  EXPECT_TRUE(written(Verb::Create, ResourceType::Pod).empty());
  scaling.deletions = {{*scaling.leaving.begin(), "the group has a maximum of 1 pods"}};
  model.apply(decide());
  EXPECT_TRUE(written(Verb::Create, ResourceType::Pod).empty()) << "it is still terminating";
  settle();
  EXPECT_EQ(workers().size(), 2U);
}

TEST_F(ScalingTest, keeps_the_workers_of_a_group_that_left_the_file_until_they_may_go) {
  wants(1);
  settle();
  auto& groups = std::get<RayClusterSpec>(declaration.spec).workers;
  std::erase_if(groups, [](const GroupSpec& group) { return group.name == "small"; });
  EXPECT_TRUE(written(Verb::Delete, ResourceType::Pod).empty());
  scaling.deletions = {{workers().front()->meta.uid, "its group left the file"}};
  EXPECT_EQ(written(Verb::Delete, ResourceType::Pod).size(), 1U);
}

TEST_F(ScalingTest, forgets_what_was_decided_when_it_is_switched_off) {
  wants(1);
  settle();
  ClusterObserved observed = model.observed();
  std::get<RayClusterSpec>(declaration.spec).autoscaling = false;
  const Plan plan = reconcile(declaration, observed, test::k_agent_id, model.now());
  ASSERT_FALSE(plan.actions.empty());
  const auto save = std::find_if(
      plan.actions.begin(), plan.actions.end(),
      [](const Action& action) { return action.target.type == ResourceType::ConfigMap; });
  ASSERT_NE(save, plan.actions.end());
  EXPECT_EQ(save->body.canonical().find("targets"), std::string::npos);
}

class BackoffTest : public ScalingTest {
 protected:
  BackoffTest() {
    wants(1);
    settle();
    observed = model.observed();
  }
  std::string trouble() const {
    const auto troubles = groups_in_trouble(k_demo, std::get<RayClusterSpec>(declaration.spec),
                                            observed, model.now());
    const auto found = troubles.find("small");
    return found == troubles.end() ? std::string{} : found->second;
  }
  void change_worker(const std::function<void(PodView&)>& change) {
    std::vector<PodView> pods = observed.pods.value();
    for (PodView& pod : pods)
      if (pod.group == "small") change(pod);
    observed.pods = Known<std::vector<PodView>>{std::move(pods)};
  }

  ClusterObserved observed;
};

TEST_F(BackoffTest, a_group_that_runs_has_no_trouble) { EXPECT_EQ(trouble(), ""); }

TEST_F(BackoffTest, a_pod_may_take_a_while_to_start) {
  const auto starts_for = [&](Duration age) {
    change_worker([&](PodView& pod) {
      pod.phase = PodPhase::Pending;
      pod.problem = "no node has room for it";
      pod.meta.created_at = model.now().wall + (0s - age);
    });
  };
  starts_for(29s);
  EXPECT_EQ(trouble(), "");
  starts_for(30s);
  EXPECT_EQ(trouble(),
            "has a pod that does not start: demo-small-worker-0: no node has room for it");
}

TEST_F(BackoffTest, pods_that_fail_twice_in_a_row_are_waited_for) {
  observed.failures["small"] = {.count = 1, .last = model.now().monotonic};
  EXPECT_EQ(trouble(), "");
  observed.failures["small"] = {.count = 3, .last = model.now().monotonic};
  EXPECT_EQ(trouble(), "has pods that fail again and again");
}

TEST_F(BackoffTest, a_refused_create_is_trouble) {
  observed.refusals[{ResourceType::Pod, "default", "demo-small-worker-1"}] = {
      {ErrorCode::Forbidden, "exceeded quota: pods", {}}, 1, {}};
  EXPECT_EQ(trouble().find("is refused pods: "), 0U);
}

}  // namespace
}  // namespace ray_gitops::raycluster
