// The engine and services: clusters, what Serve is given, and where the serve Service leads.
#include <nlohmann/json.hpp>

#include "reconcilers/manifest/names.h"
#include "tests/unit/engine/bench.h"

namespace ray_gitops::engine::test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const ResourceKey k_serve_service{ResourceType::Service, "default", "web-serve-svc"};

class ServicesTest : public testing::Test {
 protected:
  ServicesTest() { bench.status_is_taken = true; }

  // As often as a cluster comes up: its pods start, and what follows from it is done.
  void settle(Duration duration = seconds(30)) {
    bench.run();
    bench.start_pods();
    bench.run(duration);
  }
  void begin(const std::string& image = "2.40.0", const std::string& more = "") {
    bench.commit("c1", {{"web.yaml", service_file("web", image, more)}});
    settle();
  }
  std::string active() const { return bench.service_state("web").value_or(ServiceState{}).active; }
  std::size_t heads() const { return bench.names(ResourceType::Pod).size(); }

  Bench bench;
};

TEST_F(ServicesTest, serves_from_a_cluster_of_its_own) {
  begin();
  EXPECT_EQ(bench.status_of("web").phase, Phase::Ready);
  EXPECT_EQ(heads(), 1U);
  EXPECT_EQ(bench.configured.size(), 1U);
  EXPECT_TRUE(bench.has(k_serve_service));
  EXPECT_EQ(bench.configured, std::vector<std::string>{active()});
}

TEST_F(ServicesTest, says_nothing_of_the_cluster_that_it_made) {
  begin();
  for (const auto& [path, content] : bench.published)
    EXPECT_EQ(path.find("raycluster"), std::string::npos) << path;
}

TEST_F(ServicesTest, tells_how_the_cluster_that_it_made_scales) {
  std::string file = service_file("web", "2.40.0", "");
  const std::string config = "  rayClusterConfig:\n";
  file.insert(
      file.find(config) + config.size(),
      "    enableInTreeAutoscaling: true\n"
      "    workerGroupSpecs:\n"
      "    - groupName: w\n"
      "      replicas: 1\n"
      "      minReplicas: 1\n"
      "      maxReplicas: 3\n"
      "      template: {spec: {containers: [{name: w, image: 'rayproject/ray:2.40.0'}]}}\n");
  bench.commit("c1", {{"web.yaml", file}});
  settle();
  const nlohmann::json ray = bench.status_of("web").ray.json();
  ASSERT_TRUE(ray.contains("autoscaling")) << ray.dump();
  EXPECT_EQ(ray["autoscaling"]["groups"][0]["name"], "w");
  EXPECT_EQ(ray["autoscaling"]["groups"][0]["target"], 1);
}

TEST_F(ServicesTest, is_silent_once_it_serves) {
  begin();
  const std::size_t writes = bench.writes.size();
  bench.run(minutes(5));
  EXPECT_EQ(bench.writes.size(), writes);
}

TEST_F(ServicesTest, goes_on_after_a_restart_without_another_cluster) {
  begin();
  const std::size_t writes = bench.writes.size();
  bench.restart();
  bench.run(minutes(1));
  EXPECT_EQ(bench.writes.size(), writes);
  EXPECT_EQ(bench.configured.size(), 1U);
  EXPECT_EQ(bench.status_of("web").phase, Phase::Ready);
}

TEST_F(ServicesTest, names_a_cluster_before_it_makes_it) {
  bench.unreachable = anchor_key({Kind::RayService, "default", "web"});
  begin();
  EXPECT_EQ(heads(), 0U);
  EXPECT_TRUE(bench.configured.empty());
}

TEST_F(ServicesTest, gives_another_head_the_configuration_again) {
  begin();
  for (const std::string& pod : bench.names(ResourceType::Pod))
    bench.remove({ResourceType::Pod, "default", pod});
  settle();
  EXPECT_EQ(bench.configured, (std::vector<std::string>{active(), active()}));
  EXPECT_EQ(bench.status_of("web").phase, Phase::Ready);
}

TEST_F(ServicesTest, moves_to_another_cluster_once_that_serves) {
  begin("2.40.0", "  rayClusterDeletionDelaySeconds: 0\n");
  const std::string before = active();
  bench.serve_says = ServeApplicationStatus::Deploying;
  bench.commit(
      "c2", {{"web.yaml", service_file("web", "2.41.0", "  rayClusterDeletionDelaySeconds: 0\n")}});
  settle();
  EXPECT_EQ(active(), before);
  EXPECT_EQ(heads(), 2U);
  bench.serve_says = ServeApplicationStatus::Running;
  bench.run(minutes(1));
  EXPECT_NE(active(), before);
  EXPECT_EQ(heads(), 1U);
  EXPECT_EQ(bench.status_of("web").phase, Phase::Ready);
}

TEST_F(ServicesTest, leads_to_the_new_cluster_before_the_old_one_leaves) {
  const std::string no_delay = "  rayClusterDeletionDelaySeconds: 0\n";
  begin("2.40.0", no_delay);
  const std::string old_head = bench.names(ResourceType::Pod).front();
  bench.commit("c2", {{"web.yaml", service_file("web", "2.41.0", no_delay)}});
  bench.writes.clear();
  settle(minutes(1));
  std::size_t led = 0;
  std::size_t left = 0;
  for (std::size_t index = 0; index < bench.writes.size(); ++index) {
    const Action& action = bench.writes[index];
    if (action.target == k_serve_service) led = index;
    if (action.target.name == old_head && action.verb == Verb::Delete) left = index;
  }
  EXPECT_GT(led, 0U);
  EXPECT_GT(left, led);
}

TEST_F(ServicesTest, leaves_with_all_that_was_made_for_it) {
  begin();
  bench.commit("c2", {{"other.yaml", cluster_file("other")}});
  bench.run(minutes(1));
  EXPECT_FALSE(bench.has(k_serve_service));
  EXPECT_EQ(bench.names(ResourceType::ConfigMap),
            (std::vector<std::string>{"raycluster.other", "ray-gitops.demo"}));
}

}  // namespace
}  // namespace ray_gitops::engine::test
