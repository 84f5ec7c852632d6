// The engine as a whole: companions, in their order, against others who change them.
#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/engine/bench.h"

namespace ray_gitops::engine::test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Types = std::vector<ResourceType>;

const ResourceKey k_role{ResourceType::Role, "default", "web"};

std::string file_of(const std::string& api_version, const std::string& kind) {
  return "---\napiVersion: " + api_version + "\nkind: " + kind + "\nmetadata: {name: web}\n";
}

std::string role_file() { return file_of("rbac.authorization.k8s.io/v1", "Role"); }

std::string all_files() {
  return file_of("apps/v1", "Deployment") + file_of("v1", "Service") +
         file_of("v1", "PersistentVolumeClaim") + role_file();
}

class EngineCompanions : public testing::Test {
 protected:
  Types written(Verb verb) const {
    Types types;
    for (const Action& action : bench.writes)
      if (action.verb == verb && action.target.name == "web") types.push_back(action.target.type);
    return types;
  }
  // Another field manager takes a field of ours.
  void change(const std::string& field) {
    const auto ours = std::find_if(bench.writes.rbegin(), bench.writes.rend(),
                                   [](const Action& action) { return action.target == k_role; });
    nlohmann::json object = ours->body.json();
    object["metadata"]["managedFields"] = {
        {{"manager", "ray-gitops"}, {"operation", "Apply"}, {"fieldsV1", {{field, {}}}}},
        {{"manager", "other-tool"}, {"operation", "Update"}, {"time", "2026-01-01T00:00:00Z"}}};
    bench.put(k_role, object);
    bench.run(seconds(1));
  }
  std::string said() {
    const status::ObjectStatus status = bench.status_of("web");
    return status.reason + ": " + status.message;
  }

  Bench bench;
};

TEST_F(EngineCompanions, are_applied_in_the_order_in_which_they_refer_to_each_other) {
  bench.commit("c1", {{"web.yaml", all_files()}});
  bench.run();
  EXPECT_EQ(written(Verb::Apply), (Types{ResourceType::Role, ResourceType::PersistentVolumeClaim,
                                         ResourceType::Service, ResourceType::Deployment}));
  bench.writes.clear();
  bench.run(minutes(10));
  EXPECT_TRUE(bench.writes.empty());
}

TEST_F(EngineCompanions, are_pruned_in_the_opposite_order_and_a_claim_is_kept) {
  bench.commit("c1", {{"web.yaml", all_files()}, {"kept.yaml", cluster_file("demo")}});
  bench.run();
  bench.commit("c2", {{"kept.yaml", cluster_file("demo")}});
  bench.run();
  EXPECT_EQ(written(Verb::Delete),
            (Types{ResourceType::Deployment, ResourceType::Service, ResourceType::Role}));
  EXPECT_TRUE(bench.has({ResourceType::PersistentVolumeClaim, "default", "web"}));
  bench.writes.clear();
  bench.run(minutes(10));
  EXPECT_TRUE(bench.writes.empty());
}

TEST_F(EngineCompanions, are_repaired_until_it_is_a_fight) {
  bench.commit("c1", {{"web.yaml", role_file()}});
  bench.run();
  bench.writes.clear();
  const auto repairs = [&] { return written(Verb::Apply).size(); };
  bench.commit("c2", {{"web.yaml", role_file() + "rules: []\n"}});
  bench.run();
  ASSERT_EQ(repairs(), 1U);  // of the file's change
  for (int round = 1; round <= 5; ++round) {
    change("f:a" + std::to_string(round));
    EXPECT_EQ(repairs(), 1U + static_cast<std::size_t>(round));
    EXPECT_TRUE(bench.writes.back().force);
  }
  change("f:again");
  EXPECT_EQ(repairs(), 6U);
  bench.run();
  EXPECT_NE(said().find("FieldsFoughtOver"), std::string::npos) << said();
  EXPECT_NE(said().find("other-tool"), std::string::npos);
  bench.run(minutes(10));
  EXPECT_EQ(repairs(), 7U);
}

TEST_F(EngineCompanions, of_a_kind_that_cannot_be_listed_hold_up_nobody) {
  bench.unlisted = {ResourceType::Role};
  bench.commit("c1", {{"web.yaml", file_of("v1", "ServiceAccount")}});
  bench.run();
  EXPECT_EQ(written(Verb::Apply), Types{ResourceType::ServiceAccount});
  bench.commit("c2", {{"web.yaml", role_file()}, {"demo.yaml", cluster_file("demo")}});
  bench.run(seconds(5));
  bench.deliver(WatchEnded{ResourceType::Role, {ErrorCode::Forbidden, "roles is forbidden", {}}});
  bench.run();
  EXPECT_NE(said().find("roles is forbidden"), std::string::npos) << said();
  EXPECT_FALSE(bench.names(ResourceType::Pod).empty());
}

}  // namespace
}  // namespace ray_gitops::engine::test
