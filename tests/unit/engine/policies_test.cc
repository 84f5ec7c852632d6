// AutoscalerPolicies from commit to status.

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/manifest/names.h"
#include "tests/unit/engine/bench.h"

namespace ray_gitops::engine::test {
namespace {

const ObjectKey k_policy{Kind::AutoscalerPolicy, "default", "teams"};

std::string policy_file(const std::string& quota) {
  return "apiVersion: ray-gitops.io/v1\nkind: AutoscalerPolicy\nmetadata: {name: teams}\n"
         "spec: {tenants: [{name: all, clusters: {}, quota: " +
         quota + "}]}\n";
}

class Policies : public testing::Test {
 protected:
  status::ObjectStatus said() { return bench.status_of("teams"); }
  std::string uses() {
    return said().ray.json().at("tenants").at(0).at("uses").at("pods").get<std::string>();
  }
  Bench bench;
};

TEST_F(Policies, have_an_anchor_and_say_what_their_tenants_use) {
  bench.commit("c1", {{"a.yaml", cluster_file("demo")}, {"p.yaml", policy_file("{pods: 9}")}});
  bench.run();
  bench.start_pods();
  bench.run();
  EXPECT_TRUE(bench.has(anchor_key(k_policy)));
  EXPECT_EQ(said().phase, Phase::Ready);
  EXPECT_EQ(uses(), "2");
  bench.commit("c2", {{"p.yaml", policy_file("{pods: 9}")}});
  bench.run();
  EXPECT_EQ(said().ray.json().at("tenants").at(0).at("clusters"), 0);
}

TEST_F(Policies, hold_while_their_file_cannot_be_read) {
  bench.commit("c1", {{"a.yaml", cluster_file("demo")}, {"p.yaml", policy_file("{pods: 9}")}});
  bench.run();
  bench.commit("c2", {{"a.yaml", cluster_file("demo")}, {"p.yaml", policy_file("{pods: -9}")}});
  bench.restart();
  bench.run();
  EXPECT_EQ(said().phase, Phase::Blocked);
  EXPECT_EQ(uses(), "2") << "the earlier generation counts its pods";
  EXPECT_TRUE(bench.has(anchor_key(k_policy)));
}

TEST_F(Policies, leave_with_their_file) {
  bench.commit("c1", {{"a.yaml", cluster_file("demo")}, {"p.yaml", policy_file("{pods: 9}")}});
  bench.run();
  bench.commit("c2", {{"a.yaml", cluster_file("demo")}});
  bench.run();
  EXPECT_FALSE(bench.has(anchor_key(k_policy)));
}

}  // namespace
}  // namespace ray_gitops::engine::test
