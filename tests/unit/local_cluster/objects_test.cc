// Create, read, update, list, change history.
#include <gtest/gtest.h>

#include "agent/local_cluster/store/discovery.h"
#include "tests/unit/local_cluster/support.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

TEST(Create, sets_identity_and_takes_the_next_revision) {
  StoreFixture cluster;
  const std::int64_t before = cluster.store.revision();
  const ApiAnswer answer =
      cluster.send("POST", k_config_maps, config_map("a", {{"x", "1"}}), {{"fieldManager", "me"}});
  ASSERT_EQ(answer.http, 201);
  const json& made = answer.body.json();
  EXPECT_EQ(made["metadata"]["namespace"], "default");
  EXPECT_EQ(made["metadata"]["uid"].get<std::string>().size(), 36U);
  EXPECT_EQ(made["metadata"]["creationTimestamp"], "2026-01-01T12:00:00Z");
  EXPECT_EQ(made["metadata"]["resourceVersion"], std::to_string(before + 1));
  const json& entry = made["metadata"]["managedFields"][0];
  EXPECT_EQ(entry["manager"], "me");
  EXPECT_EQ(entry["operation"], "Update");
  EXPECT_EQ(entry["fieldsV1"], json::parse(R"({"f:data":{".":{},"f:x":{}}})"));
}

TEST(Create, names_the_manager_after_the_client_when_the_query_does_not) {
  StoreFixture cluster;
  cluster.send("POST", k_config_maps, config_map("a", {{"x", "1"}}));
  EXPECT_EQ(cluster.object("configmaps", "a")["metadata"]["managedFields"][0]["manager"], "test");
}

TEST(Create, of_a_taken_name_is_already_exists) {
  StoreFixture cluster;
  cluster.send("POST", k_config_maps, config_map("a", json::object()));
  const ApiAnswer answer = cluster.send("POST", k_config_maps, config_map("a", json::object()));
  EXPECT_EQ(answer.http, 409);
  EXPECT_EQ(answer.body.json()["reason"], "AlreadyExists");
  EXPECT_EQ(answer.body.json()["message"], "configmaps \"a\" already exists");
  EXPECT_EQ(answer.body.json()["details"], (json{{"name", "a"}, {"kind", "configmaps"}}));
}

TEST(Create, needs_its_namespace) {
  StoreFixture cluster;
  const ApiAnswer answer = cluster.send("POST", "/api/v1/namespaces/nowhere/configmaps",
                                        config_map("a", json::object()));
  EXPECT_EQ(answer.http, 404);
  EXPECT_EQ(answer.body.json()["details"]["kind"], "namespaces");
}

TEST(Create, generates_a_free_name_from_a_prefix) {
  StoreFixture cluster;
  json object = config_map("", json::object());
  object["metadata"] = {{"generateName", "job-"}};
  const ApiAnswer one = cluster.send("POST", k_config_maps, object);
  const ApiAnswer two = cluster.send("POST", k_config_maps, object);
  ASSERT_EQ(one.http, 201);
  ASSERT_EQ(two.http, 201);
  EXPECT_NE(one.body.json()["metadata"]["name"], two.body.json()["metadata"]["name"]);
  EXPECT_TRUE(one.body.json()["metadata"]["name"].get<std::string>().starts_with("job-"));
}

TEST(Create, refuses_a_bad_name_with_its_field) {
  StoreFixture cluster;
  const ApiAnswer answer =
      cluster.send("POST", k_config_maps, config_map("Bad_Name", json::object()));
  EXPECT_EQ(answer.http, 422);
  EXPECT_EQ(answer.body.json()["reason"], "Invalid");
  EXPECT_EQ(answer.body.json()["details"]["kind"], "ConfigMap");
  EXPECT_EQ(answer.body.json()["details"]["causes"][0]["field"], "metadata.name");
  EXPECT_EQ(answer.body.json()["details"]["causes"][0]["reason"], "FieldValueInvalid");
}

TEST(Create, as_a_dry_run_changes_nothing) {
  StoreFixture cluster;
  const std::int64_t before = cluster.store.revision();
  const ApiAnswer answer =
      cluster.send("POST", k_config_maps, config_map("a", json::object()), {{"dryRun", "All"}});
  EXPECT_EQ(answer.http, 201);
  EXPECT_EQ(cluster.store.revision(), before);
  EXPECT_TRUE(cluster.object("configmaps", "a").is_null());
}

TEST(Create, of_a_pod_fills_what_the_kubelet_reads) {
  StoreFixture cluster;
  cluster.send("POST", k_pods, pod("p"));
  const json made = cluster.object("pods", "p");
  EXPECT_EQ(made["status"]["phase"], "Pending");
  EXPECT_EQ(made["spec"]["restartPolicy"], "Always");
  EXPECT_EQ(made["spec"]["terminationGracePeriodSeconds"], 30);
  EXPECT_EQ(made["spec"]["containers"][0]["imagePullPolicy"], "IfNotPresent");
  EXPECT_EQ(made["metadata"]["generation"], 1);
}

TEST(Create, of_a_pod_without_image_says_where) {
  StoreFixture cluster;
  json object = pod("p");
  object["spec"]["containers"][0].erase("image");
  const ApiAnswer answer = cluster.send("POST", k_pods, object);
  EXPECT_EQ(answer.http, 422);
  EXPECT_EQ(answer.body.json()["message"],
            "Pod \"p\" is invalid: spec.containers[0].image: Required value");
}

TEST(Create, of_a_secret_encodes_its_plain_texts) {
  StoreFixture cluster;
  cluster.send("POST", "/api/v1/namespaces/default/secrets",
               {{"metadata", {{"name", "s"}}}, {"stringData", {{"k", "value"}}}});
  const json made = cluster.object("secrets", "s");
  EXPECT_EQ(made["data"]["k"], "dmFsdWU=");
  EXPECT_FALSE(made.contains("stringData"));
  EXPECT_EQ(made["type"], "Opaque");
}

TEST(Update, with_an_old_revision_is_a_conflict) {
  StoreFixture cluster;
  const ApiAnswer made = cluster.send("POST", k_config_maps, config_map("a", {{"x", "1"}}));
  json next = made.body.json();
  next["data"]["x"] = "2";
  ASSERT_EQ(cluster.send("PUT", std::string(k_config_maps) + "/a", next).http, 200);
  next["data"]["x"] = "3";
  const ApiAnswer late = cluster.send("PUT", std::string(k_config_maps) + "/a", next);
  EXPECT_EQ(late.http, 409);
  EXPECT_EQ(late.body.json()["reason"], "Conflict");
  EXPECT_EQ(cluster.object("configmaps", "a")["data"]["x"], "2");
}

TEST(Update, with_another_uid_is_a_conflict) {
  StoreFixture cluster;
  json object = cluster.send("POST", k_config_maps, config_map("a", {{"x", "1"}})).body.json();
  object["metadata"]["uid"] = "00000000-0000-4000-a000-000000000000";
  EXPECT_EQ(cluster.send("PUT", std::string(k_config_maps) + "/a", object).http, 409);
}

TEST(Update, that_changes_nothing_keeps_the_revision) {
  StoreFixture cluster;
  const ApiAnswer made = cluster.send("POST", k_config_maps, config_map("a", {{"x", "1"}}));
  const std::int64_t before = cluster.store.revision();
  const ApiAnswer same =
      cluster.send("PUT", std::string(k_config_maps) + "/a", config_map("a", {{"x", "1"}}));
  EXPECT_EQ(same.http, 200);
  EXPECT_EQ(same.body, made.body);
  EXPECT_EQ(cluster.store.revision(), before);
}

TEST(Update, of_a_pods_spec_is_refused_but_for_its_image) {
  StoreFixture cluster;
  json object = cluster.send("POST", k_pods, pod("p")).body.json();
  object["spec"]["containers"][0]["image"] = "ray:2.10";
  const ApiAnswer image = cluster.send("PUT", std::string(k_pods) + "/p", object);
  ASSERT_EQ(image.http, 200);
  EXPECT_EQ(image.body.json()["metadata"]["generation"], 2);
  object = image.body.json();
  object["spec"]["containers"][0]["command"] = {"sleep"};
  EXPECT_EQ(cluster.send("PUT", std::string(k_pods) + "/p", object).http, 422);
}

TEST(Update, of_the_status_leaves_the_spec_alone_and_the_other_way_round) {
  StoreFixture cluster;
  cluster.send("POST", k_pods, pod("p"));
  json object = cluster.object("pods", "p");
  object["status"]["phase"] = "Running";
  object["metadata"]["labels"] = {{"a", "b"}};
  object["spec"]["containers"][0]["image"] = "other";
  ASSERT_EQ(cluster.send("PUT", std::string(k_pods) + "/p/status", object).http, 200);
  EXPECT_EQ(cluster.object("pods", "p")["status"]["phase"], "Running");
  EXPECT_NE(cluster.object("pods", "p")["spec"]["containers"][0]["image"], "other");
  EXPECT_EQ(cluster.object("pods", "p")["metadata"]["labels"], (json{{"a", "b"}}));
  object = cluster.object("pods", "p");
  object["status"]["phase"] = "Failed";
  ASSERT_EQ(cluster.send("PUT", std::string(k_pods) + "/p", object).http, 200);
  EXPECT_EQ(cluster.object("pods", "p")["status"]["phase"], "Running");
}

TEST(Lease, is_a_compare_and_swap) {
  StoreFixture cluster;
  const std::string path = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
  json lease{{"metadata", {{"name", "lead"}}},
             {"spec", {{"holderIdentity", "a"}, {"leaseDurationSeconds", 15}}}};
  const ApiAnswer made = cluster.send("POST", path, lease);
  ASSERT_EQ(made.http, 201);
  EXPECT_EQ(cluster.send("PUT", path + "/lead", lease).http, 422);  // names no revision
  json mine = made.body.json();
  json theirs = made.body.json();
  mine["spec"]["holderIdentity"] = "b";
  theirs["spec"]["holderIdentity"] = "c";
  EXPECT_EQ(cluster.send("PUT", path + "/lead", mine).http, 200);
  const ApiAnswer late = cluster.send("PUT", path + "/lead", theirs);
  EXPECT_EQ(late.http, 409);
  EXPECT_EQ(late.body.json()["details"]["group"], "coordination.k8s.io");
}

TEST(MergePatch, changes_and_removes_what_it_names) {
  StoreFixture cluster;
  cluster.send("POST", k_config_maps, config_map("a", {{"x", "1"}, {"y", "2"}}));
  const ApiAnswer answer =
      cluster.send("PATCH", std::string(k_config_maps) + "/a",
                   {{"data", {{"x", nullptr}, {"z", "3"}}}}, {}, "application/merge-patch+json");
  ASSERT_EQ(answer.http, 200);
  EXPECT_EQ(answer.body.json()["data"], (json{{"y", "2"}, {"z", "3"}}));
}

TEST(MergePatch, of_another_type_is_refused_by_its_media_type) {
  StoreFixture cluster;
  cluster.send("POST", k_config_maps, config_map("a", json::object()));
  EXPECT_EQ(cluster
                .send("PATCH", std::string(k_config_maps) + "/a", json::object(), {},
                      "application/apply-patch+cbor")
                .http,
            415);
}

TEST(List, pages_through_everything_once) {
  StoreFixture cluster;
  for (const char* name : {"a", "b", "c", "d", "e"})
    cluster.send("POST", k_config_maps, config_map(name, json::object()));
  std::string names;
  std::string token;
  do {
    const ApiAnswer page =
        cluster.send("GET", k_config_maps, {}, {{"limit", "2"}, {"continue", token}});
    ASSERT_EQ(page.http, 200);
    for (const json& item : page.body.json()["items"])
      names += item["metadata"]["name"].get<std::string>();
    token = page.body.json()["metadata"].value("continue", "");
  } while (!token.empty());
  EXPECT_EQ(names, "abcde");
}

TEST(List, goes_on_from_a_token_although_its_object_is_gone) {
  StoreFixture cluster;
  for (const char* name : {"a", "b", "c"})
    cluster.send("POST", k_config_maps, config_map(name, json::object()));
  const json first = cluster.send("GET", k_config_maps, {}, {{"limit", "1"}}).body.json();
  cluster.send("DELETE", std::string(k_config_maps) + "/a");
  const json rest = cluster
                        .send("GET", k_config_maps, {},
                              {{"continue", first["metadata"]["continue"].get<std::string>()}})
                        .body.json();
  EXPECT_EQ(rest["items"].size(), 2U);
  EXPECT_EQ(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
}

TEST(List, from_a_token_older_than_the_history_is_expired) {
  StoreFixture cluster({.history_changes_max = 2});
  for (const char* name : {"a", "b"})
    cluster.send("POST", k_config_maps, config_map(name, json::object()));
  const json first = cluster.send("GET", k_config_maps, {}, {{"limit", "1"}}).body.json();
  for (const char* name : {"c", "d", "e"})
    cluster.send("POST", k_config_maps, config_map(name, json::object()));
  const ApiAnswer rest = cluster.send(
      "GET", k_config_maps, {}, {{"continue", first["metadata"]["continue"].get<std::string>()}});
  EXPECT_EQ(rest.http, 410);
  EXPECT_EQ(rest.body.json()["reason"], "Expired");
}

TEST(List, of_a_revision_from_the_future_is_a_timeout) {
  StoreFixture cluster;
  const ApiAnswer answer = cluster.send("GET", k_config_maps, {}, {{"resourceVersion", "999999"}});
  EXPECT_EQ(answer.http, 504);
  EXPECT_EQ(answer.body.json()["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
}

TEST(History, tells_every_change_in_order) {
  StoreFixture cluster;
  const std::int64_t start = cluster.store.revision();
  cluster.send("POST", k_config_maps, config_map("a", {{"x", "1"}}));
  cluster.send("PUT", std::string(k_config_maps) + "/a", config_map("a", {{"x", "2"}}));
  cluster.send("DELETE", std::string(k_config_maps) + "/a");
  EXPECT_EQ(render_changes(cluster.store, start),
            (std::vector<std::string>{"ADDED configmaps/a", "MODIFIED configmaps/a",
                                      "DELETED configmaps/a"}));
}

TEST(History, is_bounded_and_says_when_it_is_too_short) {
  StoreFixture cluster({.history_changes_max = 3});
  const std::int64_t start = cluster.store.revision();
  for (const char* name : {"a", "b", "c", "d"})
    cluster.send("POST", k_config_maps, config_map(name, json::object()));
  EXPECT_EQ(render_changes(cluster.store, start), (std::vector<std::string>{"Expired"}));
  EXPECT_EQ(render_changes(cluster.store, start + 1).size(), 3U);
}

TEST(History, starts_anew_after_a_restart) {
  StoreFixture cluster;
  cluster.send("POST", k_config_maps, config_map("a", json::object()));
  const std::int64_t revision = cluster.store.revision();
  Store restarted({.uid_seed = 7});
  restarted.restore(revision, {cluster.store.find({"configmaps", "default", "a"})});
  EXPECT_EQ(restarted.revision(), revision);
  EXPECT_EQ(render_changes(restarted, revision - 1), (std::vector<std::string>{"Expired"}));
  EXPECT_TRUE(render_changes(restarted, revision).empty());
  EXPECT_FALSE(restarted.find({"configmaps", "default", "a"}).is_null());
}

TEST(Watch, sees_an_object_come_into_and_leave_its_selector) {
  StoreFixture cluster;
  const Selection selection{.type = find_type_by_plural("configmaps"),
                            .labels = *parse_label_selector("app=ray")};
  const std::int64_t start = cluster.store.revision();
  json object = config_map("a", {{"x", "1"}});
  cluster.send("POST", k_config_maps, object);  // not selected
  for (const char* app : {"ray", "ray2"}) {
    object["metadata"]["labels"] = {{"app", app}};
    cluster.send("PUT", std::string(k_config_maps) + "/a", object);
  }
  std::vector<ChangeType> seen;
  const auto changes = cluster.store.changes_since(start);
  ASSERT_TRUE(changes.has_value());
  for (const Change& change : *changes)
    if (const auto event = event_for(change, selection)) seen.push_back(event->type);
  EXPECT_EQ(seen, (std::vector<ChangeType>{ChangeType::Added, ChangeType::Deleted}));
}

TEST(Unsaved, has_the_last_state_of_each_changed_key) {
  StoreFixture cluster({.keeps_unsaved = true});
  static_cast<void>(cluster.store.take_unsaved());
  cluster.send("POST", k_config_maps, config_map("a", {{"x", "1"}}));
  cluster.send("PUT", std::string(k_config_maps) + "/a", config_map("a", {{"x", "2"}}));
  cluster.send("POST", k_config_maps, config_map("b", json::object()));
  cluster.send("DELETE", std::string(k_config_maps) + "/b");
  const Unsaved unsaved = cluster.store.take_unsaved();
  ASSERT_EQ(unsaved.objects.size(), 2U);
  EXPECT_EQ(unsaved.objects.at({"configmaps", "default", "a"})->json()["data"]["x"], "2");
  EXPECT_FALSE(unsaved.objects.at({"configmaps", "default", "b"}).has_value());
  EXPECT_TRUE(cluster.store.take_unsaved().objects.empty());
}

TEST(Uids, are_a_function_of_the_seed) {
  StoreFixture one({.uid_seed = 1});
  StoreFixture same({.uid_seed = 1});
  StoreFixture other({.uid_seed = 2});
  for (StoreFixture* cluster : {&one, &same, &other})
    cluster->send("POST", k_config_maps, config_map("a", json::object()));
  const auto uid = [](const StoreFixture& cluster) {
    return cluster.object("configmaps", "a")["metadata"]["uid"];
  };
  EXPECT_EQ(uid(one), uid(same));
  EXPECT_NE(uid(one), uid(other));
}

TEST(Paths, that_name_no_resource_are_refused) {
  for (const char* path :
       {"/api/v1/unknown", "/apis/apps/v1/daemonsets", "/api/v2/pods", "/", "/api/v1/pods/a",
        "/api/v1/namespaces/d/pods/a/b/c", "/api/v1/namespaces/d/nodes"})
    EXPECT_FALSE(parse_target(path).has_value()) << path;
  EXPECT_EQ(parse_target("/api/v1/namespaces/d/pods/a/log")->subresource, "log");
  EXPECT_EQ(parse_target("/api/v1/namespaces/d")->name, "d");
}

TEST(Discovery, names_every_type_once) {
  std::size_t count = 0;
  for (const char* path :
       {"/api/v1", "/apis/apps/v1", "/apis/batch/v1", "/apis/coordination.k8s.io/v1",
        "/apis/discovery.k8s.io/v1", "/apis/gateway.networking.k8s.io/v1",
        "/apis/networking.k8s.io/v1", "/apis/policy/v1", "/apis/rbac.authorization.k8s.io/v1"}) {
    const Document answer = *render_discovery(path);
    for (const json& resource : answer.json()["resources"])
      count += resource["name"].get<std::string>().find('/') == std::string::npos ? 1U : 0U;
  }
  EXPECT_EQ(count, resource_types().size());
  EXPECT_FALSE(render_discovery("/openapi/v3").has_value());
}

}  // namespace
}  // namespace ray_gitops::local_cluster
