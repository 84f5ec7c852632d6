// Deletion, finalizers, garbage collection, namespaces.
#include <gtest/gtest.h>

#include "tests/unit/local_cluster/support.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

const std::string k_a = std::string(k_config_maps) + "/a";
const std::string k_p = std::string(k_pods) + "/p";

json make(StoreFixture& cluster, const char* collection, const json& object) {
  return cluster.send("POST", collection, object).body.json();
}

void run_pod(StoreFixture& cluster, const std::string& name) {
  const StoreKey key{"pods", "default", name};
  const std::string uid = cluster.object("pods", name)["metadata"]["uid"];
  ASSERT_TRUE(cluster.store.bind_pod(key, uid, "node", cluster.now));
  ASSERT_TRUE(cluster.store.set_status(key, uid, {{"phase", "Running"}}, cluster.now));
}

TEST(Delete, answers_success_with_the_uid) {
  StoreFixture cluster;
  const json made = make(cluster, k_config_maps, config_map("a", json::object()));
  const ApiAnswer answer = cluster.send("DELETE", k_a);
  EXPECT_EQ(answer.http, 200);
  EXPECT_EQ(answer.body.json()["status"], "Success");
  EXPECT_EQ(answer.body.json()["details"]["uid"], made["metadata"]["uid"]);
  EXPECT_EQ(cluster.send("DELETE", k_a).http, 404);
}

TEST(Delete, with_preconditions_that_do_not_hold_is_a_conflict) {
  StoreFixture cluster;
  const json made = make(cluster, k_config_maps, config_map("a", json::object()));
  EXPECT_EQ(cluster.send("DELETE", k_a, {{"preconditions", {{"uid", "other"}}}}).http, 409);
  EXPECT_EQ(cluster.send("DELETE", k_a, {{"preconditions", {{"resourceVersion", "1"}}}}).http, 409);
  const json right{{"preconditions",
                    {{"uid", made["metadata"]["uid"]},
                     {"resourceVersion", made["metadata"]["resourceVersion"]}}}};
  EXPECT_EQ(cluster.send("DELETE", k_a, right).http, 200);
}

TEST(Delete, of_a_pod_on_no_node_removes_it_at_once) {
  StoreFixture cluster;
  make(cluster, k_pods, pod("p"));
  EXPECT_EQ(cluster.send("DELETE", k_p).body.json()["kind"], "Pod");
  EXPECT_TRUE(cluster.object("pods", "p").is_null());
}

TEST(Delete, of_a_running_pod_waits_for_the_kubelet) {
  StoreFixture cluster;
  make(cluster, k_pods, pod("p"));
  run_pod(cluster, "p");
  const ApiAnswer answer = cluster.send("DELETE", k_p);
  EXPECT_EQ(answer.http, 200);
  EXPECT_EQ(answer.body.json()["metadata"]["deletionTimestamp"], "2026-01-01T12:00:30Z");
  EXPECT_EQ(answer.body.json()["metadata"]["deletionGracePeriodSeconds"], 30);
  const std::string uid = answer.body.json()["metadata"]["uid"];
  EXPECT_FALSE(cluster.store.finish_pod({"pods", "default", "p"}, "other", cluster.now));
  const auto finished = cluster.store.finish_pod({"pods", "default", "p"}, uid, cluster.now);
  ASSERT_TRUE(finished);
  EXPECT_TRUE(finished->gone);
  EXPECT_TRUE(cluster.object("pods", "p").is_null());
}

TEST(Delete, again_only_shortens_the_grace_period) {
  StoreFixture cluster;
  make(cluster, k_pods, pod("p"));
  run_pod(cluster, "p");
  cluster.send("DELETE", k_p, {{"gracePeriodSeconds", 10}});
  const std::int64_t revision = cluster.store.revision();
  EXPECT_EQ(cluster.send("DELETE", k_p, {{"gracePeriodSeconds", 20}}).http, 200);
  EXPECT_EQ(cluster.store.revision(), revision);
  cluster.send("DELETE", k_p, {{"gracePeriodSeconds", 5}});
  EXPECT_EQ(cluster.object("pods", "p")["metadata"]["deletionGracePeriodSeconds"], 5);
  cluster.send("DELETE", k_p, {}, {{"gracePeriodSeconds", "0"}});
  EXPECT_TRUE(cluster.object("pods", "p").is_null());
}

TEST(Delete, waits_for_the_last_finalizer) {
  StoreFixture cluster;
  json object = config_map("a", json::object());
  object["metadata"]["finalizers"] = {"example.com/hold"};
  make(cluster, k_config_maps, object);
  const ApiAnswer answer = cluster.send("DELETE", k_a);
  EXPECT_TRUE(answer.body.json()["metadata"].contains("deletionTimestamp"));
  const std::int64_t revision = cluster.store.revision();
  cluster.send("PATCH", k_a, {{"metadata", {{"finalizers", nullptr}}}}, {},
               "application/merge-patch+json");
  EXPECT_TRUE(cluster.object("configmaps", "a").is_null());
  EXPECT_EQ(render_changes(cluster.store, revision),
            (std::vector<std::string>{"MODIFIED configmaps/a", "DELETED configmaps/a"}));
}

TEST(Delete, as_a_dry_run_deletes_nothing) {
  StoreFixture cluster;
  make(cluster, k_config_maps, config_map("a", json::object()));
  EXPECT_EQ(cluster.send("DELETE", k_a, {}, {{"dryRun", "All"}}).http, 200);
  EXPECT_FALSE(cluster.object("configmaps", "a").is_null());
}

TEST(Garbage, goes_with_its_owner_through_generations) {
  StoreFixture cluster;
  json parent = make(cluster, k_config_maps, config_map("a", json::object()));
  for (const char* name : {"b", "c", "d"}) {
    json child = config_map(name, json::object());
    child["metadata"]["ownerReferences"] = json::array({owner_reference(parent)});
    parent = make(cluster, k_config_maps, child);
  }
  EXPECT_TRUE(cluster.store.collect_garbage(cluster.now).empty());
  cluster.send("DELETE", k_a);
  EXPECT_EQ(cluster.store.collect_garbage(cluster.now).size(), 3U);
  EXPECT_TRUE(cluster.object("configmaps", "d").is_null());
}

TEST(Garbage, is_what_was_created_for_an_owner_that_is_gone) {
  StoreFixture cluster;
  const json owner = make(cluster, k_config_maps, config_map("a", json::object()));
  cluster.send("DELETE", k_a);
  make(cluster, k_config_maps, config_map("a", json::object()));  // another one of that name
  json child = config_map("b", json::object());
  child["metadata"]["ownerReferences"] = json::array({owner_reference(owner)});
  make(cluster, k_config_maps, child);
  EXPECT_EQ(cluster.store.collect_garbage(cluster.now),
            (std::vector<StoreKey>{{"configmaps", "default", "b"}}));
}

TEST(Garbage, is_not_what_still_has_an_owner) {
  StoreFixture cluster;
  const json one = make(cluster, k_config_maps, config_map("a", json::object()));
  const json two = make(cluster, k_config_maps, config_map("b", json::object()));
  json child = config_map("c", json::object());
  child["metadata"]["ownerReferences"] = {owner_reference(one), owner_reference(two)};
  child["metadata"]["ownerReferences"][1]["controller"] = false;
  make(cluster, k_config_maps, child);
  cluster.send("DELETE", k_a);
  EXPECT_TRUE(cluster.store.collect_garbage(cluster.now).empty());
  EXPECT_FALSE(cluster.object("configmaps", "c").is_null());
}

TEST(Garbage, that_runs_is_deleted_gracefully) {
  StoreFixture cluster;
  const json owner = make(cluster, k_config_maps, config_map("a", json::object()));
  json child = pod("p");
  child["metadata"]["ownerReferences"] = json::array({owner_reference(owner)});
  make(cluster, k_pods, child);
  run_pod(cluster, "p");
  cluster.send("DELETE", k_a);
  cluster.store.settle(cluster.now);
  EXPECT_TRUE(cluster.object("pods", "p")["metadata"].contains("deletionTimestamp"));
}

TEST(Garbage, left_by_a_crash_is_found_after_the_restart) {
  StoreFixture cluster;
  const json owner = make(cluster, k_config_maps, config_map("a", json::object()));
  json child = config_map("b", json::object());
  child["metadata"]["ownerReferences"] = json::array({owner_reference(owner)});
  make(cluster, k_config_maps, child);
  Store restarted;
  restarted.restore(50, {cluster.store.find({"configmaps", "default", "b"})});
  EXPECT_EQ(restarted.collect_garbage(cluster.now).size(), 1U);
}

TEST(Orphans, keep_living_without_their_owner) {
  StoreFixture cluster;
  const json owner = make(cluster, k_config_maps, config_map("a", json::object()));
  json child = config_map("b", json::object());
  child["metadata"]["ownerReferences"] = json::array({owner_reference(owner)});
  make(cluster, k_config_maps, child);
  cluster.send("DELETE", k_a, {{"propagationPolicy", "Orphan"}});
  EXPECT_TRUE(cluster.store.collect_garbage(cluster.now).empty());
  EXPECT_FALSE(cluster.object("configmaps", "b")["metadata"].contains("ownerReferences"));
}

TEST(Events, go_an_hour_after_they_were_last_seen) {
  StoreFixture cluster;
  const std::string path = "/api/v1/namespaces/default/events";
  cluster.send("POST", path, {{"metadata", {{"name", "old"}}}});
  cluster.send("POST", path,
               {{"metadata", {{"name", "again"}}}, {"lastTimestamp", "2026-01-01T12:30:00Z"}});
  cluster.now = cluster.now + k_event_lifetime;
  cluster.store.settle(cluster.now);
  EXPECT_FALSE(cluster.object("events", "old").is_null());
  cluster.now = cluster.now + Duration{61'000};
  cluster.store.settle(cluster.now);
  EXPECT_TRUE(cluster.object("events", "old").is_null());
  EXPECT_FALSE(cluster.object("events", "again").is_null());
}

TEST(Namespaces, go_after_all_that_is_in_them) {
  StoreFixture cluster;
  cluster.send("POST", "/api/v1/namespaces", {{"metadata", {{"name", "n"}}}});
  cluster.send("POST", "/api/v1/namespaces/n/pods", pod("p"));
  const StoreKey key{"pods", "n", "p"};
  const std::string uid = cluster.store.find(key).json()["metadata"]["uid"];
  ASSERT_TRUE(cluster.store.bind_pod(key, uid, "node", cluster.now));
  const ApiAnswer answer = cluster.send("DELETE", "/api/v1/namespaces/n");
  EXPECT_EQ(answer.body.json()["status"]["phase"], "Terminating");
  cluster.store.settle(cluster.now);
  const ApiAnswer late =
      cluster.send("POST", "/api/v1/namespaces/n/configmaps", config_map("a", json::object()));
  EXPECT_EQ(late.http, 403);
  EXPECT_EQ(late.body.json()["details"]["causes"][0]["reason"], "NamespaceTerminating");
  EXPECT_FALSE(cluster.store.find({"namespaces", "", "n"}).is_null());
  ASSERT_TRUE(cluster.store.finish_pod(key, uid, cluster.now));
  cluster.store.settle(cluster.now);
  EXPECT_TRUE(cluster.store.find({"namespaces", "", "n"}).is_null());
}

}  // namespace
}  // namespace ray_gitops::local_cluster
