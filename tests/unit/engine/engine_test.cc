// The engine as a whole, by hand-made stories: what of a commit takes effect, and what does not.
#include "agent/engine/engine.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/names.h"
#include "tests/unit/engine/bench.h"

namespace ray_gitops::engine::test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Names = std::vector<std::string>;

const Names k_both_pods{"demo-head", "demo-small-worker-0"};

class EngineTest : public testing::Test {
 protected:
  void begin() {
    bench.commit("c1", {{"demo.yaml", cluster_file("demo")}});
    bench.start_pods();
    bench.run();
    ASSERT_EQ(bench.names(ResourceType::Pod), k_both_pods);
  }
  Names pods() const { return bench.names(ResourceType::Pod); }
  std::size_t deletes() const {
    return static_cast<std::size_t>(
        std::count_if(bench.writes.begin(), bench.writes.end(),
                      [](const Action& action) { return action.verb == Verb::Delete; }));
  }
  static Files many(int count) {
    Files files;
    for (int index = 0; index < count; ++index) {
      const std::string name = "c" + std::to_string(index);
      files[name + ".yaml"] = cluster_file(name);
    }
    return files;
  }

  Bench bench;
};

TEST_F(EngineTest, saves_a_commit_before_it_acts_on_it) {
  begin();
  ASSERT_GE(bench.writes.size(), 2U);
  EXPECT_EQ(bench.writes[0].target, agent_anchor_key("ray", "demo"));
  EXPECT_EQ(bench.writes[1].target.name, "raycluster.demo");
  EXPECT_EQ(bench.state().accepted_commit, "c1");
  EXPECT_EQ(bench.status_of("demo").phase, Phase::Ready);
}

TEST_F(EngineTest, writes_nothing_once_everything_is_as_declared) {
  begin();
  bench.writes.clear();
  bench.run(minutes(10));
  EXPECT_TRUE(bench.writes.empty());
}

TEST_F(EngineTest, adopts_pods_whose_create_was_not_answered) {
  bench.loses_answer_of = pod_key("demo-head");
  begin();
  EXPECT_EQ(
      std::count_if(bench.writes.begin(), bench.writes.end(),
                    [](const Action& action) { return action.target == pod_key("demo-head"); }),
      1);
}

TEST_F(EngineTest, deletes_nothing_while_a_list_is_incomplete) {
  begin();
  bench.writes.clear();
  bench.restart();
  bench.unlisted = {ResourceType::Pod};
  bench.commit("c2", {{"other.yaml", cluster_file("other")}});
  EXPECT_TRUE(bench.writes.empty());
  EXPECT_EQ(pods(), k_both_pods);
}

TEST_F(EngineTest, deletes_what_a_commit_removes) {
  begin();
  bench.commit("c2", {{"demo.yaml", cluster_file("demo")}, {"other.yaml", cluster_file("other")}});
  bench.commit("c3", {{"other.yaml", cluster_file("other")}});
  EXPECT_FALSE(bench.anchor("demo"));
  EXPECT_TRUE(bench.anchor("other"));
  EXPECT_EQ(bench.status_of("demo").reason, "") << "it is gone from the status too";
}

TEST_F(EngineTest, holds_an_empty_folder_until_its_own_release) {
  begin();
  bench.commit("c2", {});
  const std::string hold = bench.hold_id();
  ASSERT_NE(hold, "");
  EXPECT_EQ(bench.status_of("demo").phase, Phase::Held);
  bench.commit("c3", {}, "wrong\n\nRay-Gitops-Release: 000000000000\n");
  EXPECT_EQ(pods(), k_both_pods);
  bench.commit("c4", {}, "yes\n\nRay-Gitops-Release: " + hold + "\n");
  bench.run(minutes(2));
  EXPECT_TRUE(pods().empty());
  EXPECT_EQ(bench.hold_id(), "");
}

TEST_F(EngineTest, holds_a_mass_restart_and_keeps_it_held_over_a_restart_of_the_agent) {
  bench.commit("c1", many(8));
  bench.start_pods();
  Files changed;
  for (const auto& [path, content] : many(8))
    changed[path] = cluster_file(path.substr(0, path.find('.')), "2.41.0");
  bench.commit("c2", changed);
  const std::string hold = bench.hold_id();
  ASSERT_NE(hold, "");
  bench.restart();
  bench.run(minutes(1));
  EXPECT_EQ(bench.hold_id(), hold);
  EXPECT_EQ(deletes(), 0U);
}

TEST_F(EngineTest, does_nothing_of_a_commit_that_rewinds_until_its_release) {
  begin();
  bench.commit("c0", {{"demo.yaml", cluster_file("demo", "2.41.0")}}, "", true);
  EXPECT_EQ(bench.state().accepted_commit, "c1");
  const std::string hold = bench.hold_id();
  ASSERT_NE(hold, "");
  EXPECT_EQ(deletes(), 0U);
  bench.commit("c9", {{"demo.yaml", cluster_file("demo", "2.41.0")}},
               "leave it\n\nRay-Gitops-Release: " + hold + "\n", true);
  EXPECT_EQ(bench.state().accepted_commit, "c9");
  EXPECT_GT(deletes(), 0U);
}

TEST_F(EngineTest, goes_on_when_a_branch_that_was_rewound_comes_back) {
  begin();
  bench.commit("c0", {}, "", true);
  ASSERT_NE(bench.hold_id(), "");
  bench.commit("c1", {{"demo.yaml", cluster_file("demo")}});
  EXPECT_EQ(bench.hold_id(), "");
  EXPECT_EQ(bench.status_of("demo").phase, Phase::Ready);
}

TEST_F(EngineTest, keeps_the_last_good_generation_of_a_broken_file_also_after_a_restart) {
  begin();
  const Files broken{{"demo.yaml", cluster_file("demo", "2.41.0") + "  noSuchField: 1\n"}};
  bench.commit("c2", broken);
  EXPECT_EQ(bench.status_of("demo").phase, Phase::Blocked);
  bench.restart();
  bench.run(minutes(1));
  EXPECT_EQ(bench.status_of("demo").phase, Phase::Blocked);
  EXPECT_EQ(deletes(), 0U);
  bench.remove(pod_key("demo-small-worker-0"));
  bench.run();
  EXPECT_EQ(pods(), k_both_pods) << "what runs is still looked after";
}

TEST_F(EngineTest, deletes_nothing_for_a_file_that_is_moved_and_broken_in_one_commit) {
  begin();
  bench.commit("c2", {{"other.yaml", cluster_file("other")}, {"moved/demo.yaml", "kind: [Ray\n"}});
  EXPECT_EQ(deletes(), 0U);
  EXPECT_EQ(bench.status_of("demo").reason, "AbsenceUnknown");
  EXPECT_TRUE(bench.anchor("other")) << "the others go on";
  bench.commit("c3", {{"other.yaml", cluster_file("other")}});
  bench.run(minutes(2));
  EXPECT_FALSE(bench.anchor("demo"));
}

TEST_F(EngineTest, applies_neither_of_two_files_with_one_object) {
  begin();
  bench.commit("c2",
               {{"a.yaml", cluster_file("demo", "2.41.0")}, {"b.yaml", cluster_file("demo")}});
  EXPECT_EQ(bench.status_of("demo").reason, "DuplicateObject");
  EXPECT_EQ(bench.anchor("demo")->commit, "c1");
  EXPECT_EQ(deletes(), 0U);
}

TEST_F(EngineTest, says_where_a_file_is_after_it_was_moved) {
  begin();
  bench.commit("c2", {{"moved/demo.yaml", cluster_file("demo")}});
  EXPECT_EQ(bench.status_of("demo").declared.path, "moved/demo.yaml");
  EXPECT_EQ(deletes(), 0U);
}

TEST_F(EngineTest, removes_what_a_lost_create_made_for_a_commit_that_is_history) {
  bench.commit("c1", {{"other.yaml", cluster_file("other")}});
  // A process that is gone made it; the watch tells of it only now.
  const auto other = bench.anchor("other");
  ASSERT_TRUE(other);
  ConfigMapView late = *other;
  late.meta.key.name = "raycluster.late";
  late.meta.uid = "uid-late";
  late.meta.resource_version = "900";
  late.anchor_name = "late";
  bench.deliver(WatchChanged{ResourceType::ConfigMap, false, ResourceView{late}});
  bench.run();
  const AgentState state = bench.state();
  EXPECT_EQ(state.accepted_commit, "c1");
  EXPECT_EQ(state.removals, std::vector<ObjectKey>({{Kind::RayCluster, "default", "late"}}));
}

TEST_F(EngineTest, goes_on_with_an_approved_removal_while_git_is_unreachable) {
  begin();
  bench.commit("c2", {{"demo.yaml", cluster_file("demo")}, {"other.yaml", cluster_file("other")}});
  bench.unreachable = pod_key("demo-head");  // the process ends in the middle of it
  bench.commit("c3", {{"other.yaml", cluster_file("other")}});
  ASSERT_TRUE(bench.anchor("demo"));
  ASSERT_EQ(bench.state().removals.size(), 1U);
  bench.restart();
  bench.unreachable.reset();
  bench.git_answers = false;
  bench.writes.clear();
  bench.run(minutes(2));
  EXPECT_FALSE(bench.anchor("demo"));
  for (const Action& action : bench.writes) EXPECT_EQ(action.verb, Verb::Delete);
}

// An object that stands where ours should, with our labels if `labelled`.
class TakenName : public EngineTest, public testing::WithParamInterface<bool> {};

TEST_P(TakenName, is_reported_and_not_asked_for_in_a_loop) {
  nlohmann::json service{{"spec", {{"ports", {{{"port", 80}}}}}}};
  if (GetParam())
    service["metadata"]["labels"] = {{"ray-gitops.io/agent", "demo"}, {"ray.io/cluster", "demo"}};
  bench.put({ResourceType::Service, "default", "demo-head-svc"}, service);
  begin();
  EXPECT_EQ(bench.status_of("demo").reason, "NameTaken");
  bench.writes.clear();
  bench.run(minutes(10));
  EXPECT_LE(bench.writes.size(), 11U) << "once a minute";
  EXPECT_EQ(deletes(), 0U);
  bench.remove({ResourceType::Service, "default", "demo-head-svc"});
  bench.run(minutes(2));
  EXPECT_EQ(bench.status_of("demo").phase, Phase::Ready);
}

TEST_P(TakenName, of_its_anchor_blocks_a_cluster) {
  const ResourceKey name{ResourceType::ConfigMap, "default", "raycluster.demo"};
  nlohmann::json map{{"data", {{"a", "b"}}}};
  if (GetParam()) map["metadata"]["labels"] = {{"ray-gitops.io/agent", "demo"}};
  bench.put(name, map);
  bench.commit("c1", {{"demo.yaml", cluster_file("demo")}});
  bench.run(minutes(5));
  EXPECT_EQ(bench.status_of("demo").reason, "NameTaken");
  EXPECT_EQ(deletes(), 0U);
  for (const Action& action : bench.writes)
    EXPECT_TRUE(action.target != name || action.verb == Verb::Create);
}

INSTANTIATE_TEST_SUITE_P(WithOurLabels, TakenName, testing::Bool());

TEST_F(EngineTest, writes_its_own_anchor_again_when_it_was_deleted_by_hand) {
  begin();
  bench.remove(agent_anchor_key("ray", "demo"));
  bench.run();
  EXPECT_EQ(bench.state().accepted_commit, "c1");
  EXPECT_EQ(deletes(), 0U);
}

TEST_F(EngineTest, acts_on_nothing_new_and_says_so_while_its_own_anchor_is_rubbish) {
  begin();
  const ResourceKey own = agent_anchor_key("ray", "demo");
  bench.put(own,
            {{"metadata",
              {{"labels", {{"ray-gitops.io/agent", "demo"}, {"ray-gitops.io/kind", "Agent"}}}}},
             {"data", {{"state", "rubbish"}}}});
  bench.restart();
  bench.commit("c2", {});
  bench.run();
  EXPECT_NE(bench.problem().find("ray-gitops.demo cannot be understood"), std::string::npos);
  EXPECT_EQ(deletes(), 0U);
  bench.remove(own);
  bench.run();
  EXPECT_EQ(bench.problem(), "");
  EXPECT_EQ(bench.state().accepted_commit, "c2");
}

const std::string k_settings_file =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  a: b\n";
const ResourceKey k_settings{ResourceType::ConfigMap, "default", "settings"};

TEST_F(EngineTest, prunes_what_it_applied_though_its_own_anchor_was_deleted_by_hand) {
  begin();
  bench.commit("c2", {{"demo.yaml", cluster_file("demo")}, {"settings.yaml", k_settings_file}});
  ASSERT_TRUE(bench.has(k_settings));
  bench.remove(agent_anchor_key("ray", "demo"));
  bench.commit("c3", {{"demo.yaml", cluster_file("demo")}});
  EXPECT_FALSE(bench.has(k_settings));
}

TEST_F(EngineTest, prunes_nothing_that_its_inventory_has_lost_and_does_not_ask_for_ever) {
  begin();
  bench.commit("c2", {{"demo.yaml", cluster_file("demo")}, {"settings.yaml", k_settings_file}});
  const ResourceKey own = agent_anchor_key("ray", "demo");
  AgentState forgetful = bench.state();
  forgetful.companions.clear();
  bench.put(own, agent_anchor_body(own, forgetful, "demo").json());
  bench.writes.clear();
  bench.commit("c3", {{"demo.yaml", cluster_file("demo")}});
  bench.run(minutes(1));
  EXPECT_TRUE(bench.has(k_settings));
  EXPECT_LE(bench.writes.size(), 2U);
}

TEST_F(EngineTest, stops_as_asked_and_gives_its_lease_back) {
  begin();
  bench.deliver(StopRequested{});
  bench.writes.clear();
  bench.commit("c2", {});
  EXPECT_TRUE(bench.writes.empty());
}

TEST_F(EngineTest, is_due_for_no_tick_when_nothing_is_to_be_done) {
  begin();
  bench.run(minutes(1));
  Engine idle(options());
  Effects effects = idle.step(Tick{}, at(seconds(0)));
  EXPECT_FALSE(effects.empty());
  EXPECT_EQ(idle.next_deadline(), std::nullopt) << "everything it asked for is under way";
}

}  // namespace
}  // namespace ray_gitops::engine::test
