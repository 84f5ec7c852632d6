// The engine and jobs: what it saves, asks and publishes, and in which order.
#include <algorithm>

#include "reconcilers/manifest/names.h"
#include "reconcilers/status/ledger.h"
#include "tests/unit/engine/bench.h"

namespace ray_gitops::engine::test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const char* const k_shuts_down = "  shutdownAfterJobFinishes: true\n";
const ObjectKey k_job{Kind::RayJob, "default", "count"};

class JobsTest : public testing::Test {
 protected:
  JobsTest() { bench.status_is_taken = true; }

  void begin(const std::string& more = k_shuts_down) {
    bench.commit("c1", {{"count.yaml", job_file("count", more)}});
    bench.start_pods();
    bench.run();
  }
  JobStage stage() const { return bench.job_state("count").value_or(JobState{}).stage; }
  std::size_t recorded() const {
    const auto file = bench.published.find(status::ledger_path(k_job));
    if (file == bench.published.end()) return 0;
    return status::read_ledger(file->second).value_or(FinishedRuns{}).size();
  }

  Bench bench;
};

TEST_F(JobsTest, runs_a_job_once_and_takes_its_cluster_away) {
  begin();
  ASSERT_EQ(bench.submitted.size(), 1U);
  EXPECT_EQ(bench.status_of("count").phase, Phase::Running);
  EXPECT_EQ(bench.names(ResourceType::Pod).size(), 1U);
  bench.ray_says = RayJobStatus::Succeeded;
  bench.run();
  EXPECT_EQ(stage(), JobStage::Succeeded);
  EXPECT_EQ(bench.status_of("count").phase, Phase::Succeeded);
  EXPECT_EQ(recorded(), 1U);
  EXPECT_TRUE(bench.names(ResourceType::Pod).empty());
  EXPECT_EQ(bench.submitted.size(), 1U);
}

TEST_F(JobsTest, makes_its_cluster_when_the_watch_is_faster_than_the_answer) {
  bench.watch_is_first = true;
  begin();
  EXPECT_EQ(bench.submitted.size(), 1U);
}

TEST_F(JobsTest, says_nothing_of_the_cluster_that_it_made) {
  begin();
  for (const auto& [path, content] : bench.published)
    EXPECT_EQ(path.find("raycluster"), std::string::npos) << path;
}

TEST_F(JobsTest, saves_what_it_submits_before_it_does) {
  bench.unreachable = anchor_key(k_job);
  begin();
  EXPECT_TRUE(bench.submitted.empty());
}

TEST_F(JobsTest, starts_nothing_before_the_ledger_is_read) {
  bench.status_is_read = false;
  begin();
  EXPECT_TRUE(bench.names(ResourceType::Pod).empty());
  EXPECT_NE(bench.status_of("count").message.find("status branch"), std::string::npos);
  bench.status_is_read = true;
  bench.run(minutes(1));
  bench.start_pods();
  bench.run();
  EXPECT_EQ(bench.submitted.size(), 1U);
}

TEST_F(JobsTest, keeps_the_cluster_until_the_outcome_is_on_record) {
  begin();
  bench.git_answers = false;
  bench.status_is_taken = false;
  bench.run();
  bench.restart();
  bench.status_is_read = false;
  bench.git_answers = true;
  bench.ray_says = RayJobStatus::Succeeded;
  bench.run();
  EXPECT_EQ(stage(), JobStage::Succeeded);
  EXPECT_EQ(bench.names(ResourceType::Pod).size(), 1U);
  bench.status_is_read = true;
  bench.status_is_taken = true;
  bench.run(minutes(2));
  EXPECT_EQ(recorded(), 1U);
  EXPECT_TRUE(bench.names(ResourceType::Pod).empty());
}

TEST_F(JobsTest, takes_the_cluster_away_in_time_where_status_commits_are_refused) {
  bench.status_is_taken = false;
  begin();
  bench.ray_says = RayJobStatus::Succeeded;
  bench.run();
  EXPECT_TRUE(bench.names(ResourceType::Pod).empty());
  EXPECT_EQ(stage(), JobStage::Succeeded);
}

TEST_F(JobsTest, goes_on_after_a_restart_without_a_second_run) {
  begin();
  bench.restart();
  bench.run();
  EXPECT_EQ(bench.submitted.size(), 1U);
  EXPECT_EQ(bench.status_of("count").phase, Phase::Running);
  bench.ray_says = RayJobStatus::Failed;
  bench.restart();
  bench.run();
  EXPECT_EQ(bench.submitted.size(), 1U);
  EXPECT_EQ(stage(), JobStage::Failed);
}

TEST_F(JobsTest, stops_with_its_file_and_remembers_that_it_ran) {
  begin();
  bench.commit("c2", {{"other.yaml", cluster_file("other")}});
  bench.run(minutes(2));
  EXPECT_FALSE(bench.job_state("count"));
  EXPECT_EQ(recorded(), 1U);
  bench.commit("c3", {{"other.yaml", cluster_file("other")},
                      {"count.yaml", job_file("count", k_shuts_down)}});
  bench.start_pods();
  bench.run(minutes(1));
  EXPECT_EQ(bench.submitted.size(), 1U);
  EXPECT_EQ(stage(), JobStage::Stopped);
}

TEST_F(JobsTest, asks_heads_that_are_silent_less_and_less_often) {
  begin();
  bench.heads_answer = false;
  bench.run(minutes(2));
  EXPECT_EQ(stage(), JobStage::Submitting);
  EXPECT_EQ(bench.status_of("count").phase, Phase::Running);
  bench.heads_answer = true;
  bench.ray_says = RayJobStatus::Succeeded;
  bench.run(minutes(1));
  EXPECT_EQ(stage(), JobStage::Succeeded);
}

TEST_F(JobsTest, runs_on_a_cluster_of_another_file) {
  const std::string selects =
      "apiVersion: ray.io/v1\nkind: RayJob\nmetadata:\n  name: count\nspec:\n"
      "  entrypoint: python run.py\n  clusterSelector:\n    ray.io/cluster: demo\n";
  bench.commit("c1", {{"count.yaml", selects}});
  EXPECT_EQ(bench.status_of("count").phase, Phase::Progressing);
  bench.commit("c2", {{"count.yaml", selects}, {"demo.yaml", cluster_file("demo")}});
  bench.start_pods();
  bench.start_pods();
  bench.run();
  EXPECT_EQ(bench.submitted.size(), 1U);
  bench.ray_says = RayJobStatus::Succeeded;
  bench.run();
  EXPECT_EQ(stage(), JobStage::Succeeded);
  EXPECT_EQ(bench.names(ResourceType::Pod).size(), 2U);
}

TEST_F(JobsTest, does_not_bring_a_leaving_cluster_back_after_a_restart) {
  begin();
  const std::vector<std::string> maps = bench.names(ResourceType::ConfigMap);
  const auto child = std::find_if(maps.begin(), maps.end(), [](const std::string& name) {
    return name.starts_with("raycluster.count-");
  });
  ASSERT_NE(child, maps.end());
  // The head has left, the anchor not yet.
  bench.unreachable = ResourceKey{ResourceType::ConfigMap, "default", *child};
  bench.ray_says = RayJobStatus::Succeeded;
  bench.run();
  ASSERT_TRUE(bench.names(ResourceType::Pod).empty());
  bench.restart();
  bench.status_is_read = false;
  bench.unreachable.reset();
  bench.run(minutes(1));
  EXPECT_TRUE(bench.names(ResourceType::Pod).empty());
  bench.status_is_read = true;
  bench.run(minutes(1));
  EXPECT_TRUE(bench.names(ResourceType::Pod).empty());
  EXPECT_EQ(bench.names(ResourceType::ConfigMap).size(), maps.size() - 1);
}

TEST_F(JobsTest, leaves_a_record_alone_that_it_cannot_understand) {
  begin();
  bench.published[status::ledger_path(k_job)] = "rubbish";
  bench.restart();
  bench.ray_says = RayJobStatus::Succeeded;
  bench.run(minutes(1));
  EXPECT_EQ(bench.published[status::ledger_path(k_job)], "rubbish");
  EXPECT_EQ(bench.names(ResourceType::Pod).size(), 1U) << "its cluster went before its outcome";
  EXPECT_NE(bench.status_of("count").message.find("cannot be understood"), std::string::npos);
}

TEST_F(JobsTest, is_silent_once_it_has_ended) {
  begin();
  bench.ray_says = RayJobStatus::Succeeded;
  bench.run(minutes(1));
  bench.writes.clear();
  bench.heads_answer = false;
  bench.run(minutes(10));
  EXPECT_TRUE(bench.writes.empty());
}

}  // namespace
}  // namespace ray_gitops::engine::test
