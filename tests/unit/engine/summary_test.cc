#include "agent/engine/summary.h"

#include "tests/unit/engine/bench.h"

namespace ray_gitops::engine::test {
namespace {

using Counts = std::map<std::pair<Kind, Phase>, std::size_t>;

TEST(Summary, counts_objects_by_kind_and_phase) {
  Bench bench;
  bench.commit("c1", {{"a.yaml", cluster_file("a")}, {"b.yaml", cluster_file("b")}});
  bench.run();
  EXPECT_EQ(bench.summary().objects, (Counts{{{Kind::RayCluster, Phase::Progressing}, 2}}));
  bench.start_pods();
  bench.run();
  EXPECT_EQ(bench.summary().objects, (Counts{{{Kind::RayCluster, Phase::Ready}, 2}}));
  EXPECT_EQ(bench.summary().watched.at(ResourceType::Pod), 4U);
}

TEST(Summary, makes_no_plan_while_nothing_happens) {
  Bench bench;
  bench.commit("c1", {{"a.yaml", cluster_file("a")}});
  bench.start_pods();
  bench.run();
  const auto made = bench.summary().reconciles;
  EXPECT_GT(made.at(Kind::RayCluster), 0U);
  bench.run(std::chrono::minutes(5));
  EXPECT_EQ(bench.summary().reconciles, made);
}

TEST(Summary, is_ready_when_a_commit_is_in_force) {
  Bench bench;
  EXPECT_EQ(bench.summary().readiness, Readiness::ClusterNotRead);
  bench.git_answers = false;
  bench.run();
  EXPECT_EQ(bench.summary().readiness, Readiness::SourceNotRead);
  EXPECT_FALSE(bench.summary().is_source_readable);
  bench.git_answers = true;
  bench.commit("c1", {{"a.yaml", cluster_file("a")}});
  bench.run(std::chrono::minutes(2));
  EXPECT_EQ(bench.summary().readiness, Readiness::Ready);
  EXPECT_TRUE(bench.summary().is_source_readable);
  EXPECT_TRUE(bench.summary().lease_held);
  bench.deliver(StopRequested{});
  EXPECT_FALSE(is_ready(bench.summary().readiness));
}

}  // namespace
}  // namespace ray_gitops::engine::test
