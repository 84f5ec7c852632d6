// Many writes: how many at once, whose turn it is, and what a refusal stops.
#include <algorithm>
#include <string>

#include "agent/engine/writes.h"
#include "tests/unit/engine/bench.h"

namespace ray_gitops::engine::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

void replace(std::string& text, const std::string& from, const std::string& to) {
  text.replace(text.find(from), from.size(), to);
}

std::string cluster_of(const std::string& name, int workers) {
  std::string file = cluster_file(name);
  replace(file, "replicas: 1", "replicas: " + std::to_string(workers));
  replace(file, "maxReplicas: 3", "maxReplicas: 5000");
  return file;
}

std::size_t pods_of(const Bench& bench, const std::string& prefix) {
  const std::vector<std::string> names = bench.names(ResourceType::Pod);
  return static_cast<std::size_t>(std::count_if(
      names.begin(), names.end(), [&](const auto& name) { return name.starts_with(prefix); }));
}

// From the commit that declares `count` small clusters until their pods are there.
Duration time_of_small_ones(Files files, int count) {
  Bench bench;
  bench.answers_max = 10;
  for (int i = 0; i < count; ++i)
    files["small-" + std::to_string(i) + ".yaml"] = cluster_of("small-" + std::to_string(i), 1);
  const Instant begin = bench.now().monotonic;
  bench.push("all", files);
  while (pods_of(bench, "small-") < 2 * static_cast<std::size_t>(count) &&
         bench.now().monotonic - begin < minutes(5))
    bench.run(milliseconds(100));
  return bench.now().monotonic - begin;
}

TEST(Scale, bounds_the_writes_under_way_and_gets_everything_done) {
  Bench bench;
  bench.answers_max = 10;
  Files files;
  for (int i = 0; i < 150; ++i)
    files["ray-" + std::to_string(i) + ".yaml"] = cluster_of("ray-" + std::to_string(i), 2);
  bench.commit("many", files);
  bench.run(minutes(5));
  EXPECT_EQ(pods_of(bench, "ray-"), 450U);
  EXPECT_EQ(bench.under_way_most, k_writes_under_way_max);
}

TEST(Scale, grows_a_large_cluster_without_writing_anything_twice) {
  Bench bench;
  bench.answers_max = 10;
  bench.commit("large", {{"ray.yaml", cluster_of("ray", 500)}});
  bench.run(minutes(5));
  EXPECT_EQ(pods_of(bench, "ray-"), 501U);
  // Its anchor, its Service, and the agent's anchor.
  EXPECT_EQ(bench.writes.size(), 501U + 3U);
}

TEST(Scale, tries_a_refused_group_with_few_requests_and_lets_others_grow) {
  Bench bench;
  bench.refused_names = "full-";
  bench.commit("both",
               {{"full.yaml", cluster_of("full", 500)}, {"ray.yaml", cluster_of("ray", 50)}});
  bench.refused_names = "full-small-";
  bench.run(minutes(3));
  EXPECT_EQ(pods_of(bench, "ray-"), 51U);
  const auto refused = std::count_if(bench.writes.begin(), bench.writes.end(), [](const auto& one) {
    return one.target.name.starts_with("full-small-");
  });
  EXPECT_GE(refused, 3);
  EXPECT_LE(refused, 12);
  bench.refused_names.clear();
  bench.run(minutes(3));
  EXPECT_EQ(pods_of(bench, "full-"), 501U);
}

TEST(Scale, does_not_let_a_large_cluster_delay_small_ones) {
  const Duration alone = time_of_small_ones({}, 30);
  const Duration beside = time_of_small_ones({{"large.yaml", cluster_of("large", 2000)}}, 30);
  EXPECT_LE(beside, 2 * alone);
}

TEST(Replicas, of_several_hosts_are_made_anew_as_a_whole_when_a_host_goes) {
  Bench bench;
  std::string file = cluster_of("ray", 2);
  replace(file, "replicas: 2", "replicas: 2\n    numOfHosts: 3");
  bench.commit("hosts", {{"ray.yaml", file}});
  bench.run();
  bench.start_pods();
  ASSERT_EQ(pods_of(bench, "ray-small-"), 6U);
  EXPECT_TRUE(bench.has({ResourceType::Service, "default", "ray-headless"}));
  // Nobody has seen it leave: its node was taken away, and it at once.
  bench.remove({ResourceType::Pod, "default", "ray-small-worker-4"});
  bench.run();
  const std::vector<std::string> names = bench.names(ResourceType::Pod);
  EXPECT_EQ(names, (std::vector<std::string>{"ray-head", "ray-small-worker-0", "ray-small-worker-1",
                                             "ray-small-worker-2", "ray-small-worker-6",
                                             "ray-small-worker-7", "ray-small-worker-8"}));
}

TEST(Replicas, of_which_a_host_is_missing_at_the_start_are_made_whole) {
  Bench bench;
  std::string file = cluster_of("ray", 2);
  replace(file, "replicas: 2", "replicas: 2\n    numOfHosts: 3");
  bench.refused_names = "worker-4";
  bench.commit("hosts", {{"ray.yaml", file}});
  bench.run();
  bench.start_pods();
  ASSERT_LT(pods_of(bench, "ray-small-"), 6U);
  bench.restart();
  bench.refused_names.clear();
  bench.run();
  EXPECT_EQ(pods_of(bench, "ray-small-"), 6U);
  EXPECT_TRUE(std::none_of(bench.writes.begin(), bench.writes.end(),
                           [](const Action& action) { return action.verb == Verb::Delete; }));
}

}  // namespace
}  // namespace ray_gitops::engine::test
