#include "agent/local_cluster/store/table.h"

#include <gtest/gtest.h>

#include "agent/local_cluster/store/pod_summary.h"
#include "tests/unit/local_cluster/support.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

TEST(Age, reads_as_kubectl_shows_it) {
  const auto age = [](std::int64_t seconds) {
    return render_age(k_noon, k_noon + Duration{seconds * 1000});
  };
  EXPECT_EQ(age(-5), "0s");
  EXPECT_EQ(age(119), "119s");
  EXPECT_EQ(age(185), "3m5s");
  EXPECT_EQ(age(180), "3m");
  EXPECT_EQ(age(3600), "60m");
  EXPECT_EQ(age(3 * 3600 + 600), "3h10m");
  EXPECT_EQ(age(30L * 3600), "30h");
  EXPECT_EQ(age(3L * 86400 + 7200), "3d2h");
  EXPECT_EQ(age(20L * 86400), "20d");
  EXPECT_EQ(age(800L * 86400), "2y70d");
}

json with_container(const json& state, bool ready = false) {
  json object = pod("p");
  object["status"] = {
      {"phase", "Running"},
      {"containerStatuses",
       {{{"name", "main"}, {"ready", ready}, {"restartCount", 2}, {"state", state}}}}};
  return object;
}

TEST(PodStatus, says_what_kubectl_says) {
  EXPECT_EQ(summarize_pod({{"status", {{"phase", "Pending"}}}}).status, "Pending");
  EXPECT_EQ(summarize_pod(with_container({{"running", json::object()}}, true)).status, "Running");
  EXPECT_EQ(summarize_pod(with_container({{"waiting", {{"reason", "CrashLoopBackOff"}}}})).status,
            "CrashLoopBackOff");
  EXPECT_EQ(summarize_pod(with_container({{"terminated", {{"exitCode", 3}}}})).status,
            "ExitCode:3");
  json terminating = with_container({{"running", json::object()}}, true);
  terminating["metadata"]["deletionTimestamp"] = "2026-01-01T12:00:00Z";
  EXPECT_EQ(summarize_pod(terminating).status, "Terminating");
  json initializing = pod("p");
  initializing["spec"]["initContainers"] = {{{"name", "i"}}};
  initializing["status"] = {
      {"phase", "Pending"},
      {"initContainerStatuses", {{{"state", {{"running", json::object()}}}}}}};
  EXPECT_EQ(summarize_pod(initializing).status, "Init:0/1");
}

TEST(Table, of_pods_has_the_columns_of_kubectl) {
  json object = with_container({{"running", json::object()}}, true);
  object["metadata"]["creationTimestamp"] = "2026-01-01T11:59:00Z";
  const json table = render_table(*find_type_by_plural("pods"), {Document(object)},
                                  TableObjects::Metadata, k_noon);
  std::string names;
  for (const json& column : table["columnDefinitions"])
    if (column["priority"] == 0) names += column["name"].get<std::string>() + " ";
  EXPECT_EQ(names, "Name Ready Status Restarts Age ");
  const json& cells = table["rows"][0]["cells"];
  EXPECT_EQ(cells,
            json::parse(R"(["p","1/1","Running","2","60s","<none>","<none>","<none>","<none>"])"));
  EXPECT_EQ(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
}

TEST(Table, has_as_many_cells_as_columns_for_every_type) {
  for (const ResourceType& type : resource_types()) {
    const json table = render_table(type, {Document(json{{"metadata", {{"name", "a"}}}})},
                                    TableObjects::None, k_noon);
    EXPECT_EQ(table["rows"][0]["cells"].size(), table["columnDefinitions"].size()) << type.plural;
  }
}

}  // namespace
}  // namespace ray_gitops::local_cluster
