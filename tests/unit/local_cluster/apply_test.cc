// Server-side apply and the ownership of fields.
#include <gtest/gtest.h>

#include "tests/unit/local_cluster/support.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

const std::string k_path = std::string(k_config_maps) + "/a";

json entry_of(const json& object, const std::string& manager, const std::string& operation) {
  for (const json& entry : object["metadata"]["managedFields"])
    if (entry["manager"] == manager && entry["operation"] == operation) return entry;
  return {};
}

TEST(Apply, creates_and_records_what_it_speaks_about) {
  StoreFixture cluster;
  const ApiAnswer answer = cluster.apply(k_path, config_map("a", {{"x", "1"}}), "agent");
  ASSERT_EQ(answer.http, 201);
  const json entry = entry_of(answer.body.json(), "agent", "Apply");
  EXPECT_EQ(entry["fieldsV1"], json::parse(R"({"f:data":{"f:x":{}}})"));
  EXPECT_EQ(entry["apiVersion"], "v1");
  EXPECT_EQ(entry["fieldsType"], "FieldsV1");
}

TEST(Apply, of_the_same_keeps_the_revision_and_tells_nobody) {
  StoreFixture cluster;
  const ApiAnswer first = cluster.apply(k_path, config_map("a", {{"x", "1"}}), "agent");
  const std::int64_t revision = cluster.store.revision();
  cluster.now = cluster.now + Duration{60'000};
  const ApiAnswer second = cluster.apply(k_path, config_map("a", {{"x", "1"}}), "agent");
  EXPECT_EQ(second.http, 200);
  EXPECT_EQ(second.body, first.body);
  EXPECT_TRUE(render_changes(cluster.store, revision).empty());
}

TEST(Apply, of_the_same_pod_is_silent_despite_defaults) {
  StoreFixture cluster;
  json object = pod("p", {{"a", "b"}});
  object["spec"]["containers"][0]["ports"] = {{{"containerPort", 8265}, {"name", "dashboard"}}};
  object["spec"]["containers"][0]["env"] = {{{"name", "A"}, {"value", "1"}}};
  ASSERT_EQ(cluster.apply(std::string(k_pods) + "/p", object, "agent").http, 201);
  const std::int64_t revision = cluster.store.revision();
  ASSERT_EQ(cluster.apply(std::string(k_pods) + "/p", object, "agent").http, 200);
  EXPECT_EQ(cluster.store.revision(), revision);
}

TEST(Apply, removes_what_it_leaves_out_and_nobody_else_owns) {
  StoreFixture cluster;
  cluster.apply(k_path, config_map("a", {{"x", "1"}, {"y", "2"}}), "agent");
  const ApiAnswer answer = cluster.apply(k_path, config_map("a", {{"x", "1"}}), "agent");
  EXPECT_EQ(answer.body.json()["data"], (json{{"x", "1"}}));
}

TEST(Apply, keeps_what_it_leaves_out_when_another_manager_owns_it_too) {
  StoreFixture cluster;
  cluster.apply(k_path, config_map("a", {{"x", "1"}, {"y", "2"}}), "agent");
  cluster.apply(k_path, config_map("a", {{"y", "2"}}), "other");
  const ApiAnswer answer = cluster.apply(k_path, config_map("a", {{"x", "1"}}), "agent");
  EXPECT_EQ(answer.body.json()["data"], (json{{"x", "1"}, {"y", "2"}}));
}

TEST(Apply, removes_a_map_that_becomes_empty) {
  StoreFixture cluster;
  json object = config_map("a", {{"x", "1"}});
  object["metadata"]["labels"] = {{"l", "1"}};
  cluster.apply(k_path, object, "agent");
  const ApiAnswer answer = cluster.apply(k_path, config_map("a", {{"x", "1"}}), "agent");
  EXPECT_FALSE(answer.body.json()["metadata"].contains("labels"));
}

TEST(Apply, of_anothers_field_with_another_value_is_a_conflict_that_names_both) {
  StoreFixture cluster;
  cluster.apply(k_path, config_map("a", {{"x", "1"}}), "other");
  const ApiAnswer answer = cluster.apply(k_path, config_map("a", {{"x", "2"}}), "agent");
  EXPECT_EQ(answer.http, 409);
  const json& status = answer.body.json();
  EXPECT_EQ(status["reason"], "Conflict");
  EXPECT_EQ(status["message"], "Apply failed with 1 conflict: conflict with \"other\": .data.x");
  EXPECT_EQ(status["details"]["causes"],
            json::parse(R"([{"reason":"FieldManagerConflict","field":".data.x",
                             "message":"conflict with \"other\""}])"));
  EXPECT_EQ(cluster.object("configmaps", "a")["data"]["x"], "1");
}

TEST(Apply, with_force_takes_the_field_from_its_owner) {
  StoreFixture cluster;
  cluster.apply(k_path, config_map("a", {{"x", "1"}}), "other");
  const ApiAnswer answer = cluster.apply(k_path, config_map("a", {{"x", "2"}}), "agent", true);
  ASSERT_EQ(answer.http, 200);
  EXPECT_EQ(answer.body.json()["data"]["x"], "2");
  EXPECT_TRUE(entry_of(answer.body.json(), "other", "Apply").is_null());
}

TEST(Apply, of_the_value_that_stands_there_shares_it) {
  StoreFixture cluster;
  cluster.apply(k_path, config_map("a", {{"x", "1"}}), "other");
  const ApiAnswer answer = cluster.apply(k_path, config_map("a", {{"x", "1"}}), "agent");
  ASSERT_EQ(answer.http, 200);
  EXPECT_FALSE(entry_of(answer.body.json(), "other", "Apply").is_null());
  EXPECT_FALSE(entry_of(answer.body.json(), "agent", "Apply").is_null());
}

TEST(Apply, meets_the_edit_of_a_user_as_a_conflict) {
  StoreFixture cluster;
  cluster.apply(k_path, config_map("a", {{"x", "1"}, {"y", "1"}}), "agent");
  cluster.send("PATCH", k_path, {{"data", {{"x", "9"}}}}, {{"fieldManager", "kubectl-edit"}},
               "application/merge-patch+json");
  const ApiAnswer answer =
      cluster.apply(k_path, config_map("a", {{"x", "1"}, {"y", "1"}}), "agent");
  EXPECT_EQ(answer.http, 409);
  EXPECT_EQ(answer.body.json()["details"]["causes"][0]["message"],
            "conflict with \"kubectl-edit\" using v1");
}

TEST(Apply, lists_several_conflicts_by_manager) {
  StoreFixture cluster;
  cluster.apply(k_path, config_map("a", {{"x", "1"}, {"y", "1"}}), "other");
  const ApiAnswer answer =
      cluster.apply(k_path, config_map("a", {{"x", "2"}, {"y", "2"}}), "agent");
  EXPECT_EQ(answer.body.json()["message"],
            "Apply failed with 2 conflicts: conflicts with \"other\":\n- .data.x\n- .data.y");
}

TEST(Apply, merges_keyed_lists_item_by_item) {
  StoreFixture cluster;
  const json spec{{"ports", {{{"name", "a"}, {"port", 80}}}}};
  cluster.apply(std::string(k_services) + "/s", service("s", spec), "agent");
  const json more{{"ports", {{{"name", "b"}, {"port", 81}}}}};
  const ApiAnswer both = cluster.apply(std::string(k_services) + "/s", service("s", more), "other");
  ASSERT_EQ(both.http, 200);
  ASSERT_EQ(both.body.json()["spec"]["ports"].size(), 2U);
  EXPECT_EQ(
      entry_of(both.body.json(), "other", "Apply")["fieldsV1"]["f:spec"]["f:ports"],
      json::parse(R"({"k:{\"port\":81,\"protocol\":\"TCP\"}":{".":{},"f:name":{},"f:port":{}}})"));
  const json none{{"ports", {{{"name", "c"}, {"port", 82}}}}};
  const ApiAnswer moved =
      cluster.apply(std::string(k_services) + "/s", service("s", none), "other");
  ASSERT_EQ(moved.http, 200);
  std::string names;
  for (const json& port : moved.body.json()["spec"]["ports"]) names += port["name"];
  EXPECT_EQ(names, "ac");
}

TEST(Apply, replaces_atomic_objects_whole) {
  StoreFixture cluster;
  const std::string path = std::string(k_services) + "/s";
  const json ports{{{"port", 80}}};
  cluster.apply(path, service("s", {{"ports", ports}, {"selector", {{"a", "1"}, {"b", "2"}}}}),
                "agent");
  const ApiAnswer answer =
      cluster.apply(path, service("s", {{"ports", ports}, {"selector", {{"a", "1"}}}}), "agent");
  EXPECT_EQ(answer.body.json()["spec"]["selector"], (json{{"a", "1"}}));
}

TEST(Apply, merges_owner_references_by_uid) {
  StoreFixture cluster;
  const json owner =
      cluster.send("POST", k_config_maps, config_map("o", json::object())).body.json();
  json object = config_map("a", {{"x", "1"}});
  object["metadata"]["ownerReferences"] = json::array({owner_reference(owner)});
  ASSERT_EQ(cluster.apply(k_path, object, "agent").http, 201);
  const std::int64_t revision = cluster.store.revision();
  ASSERT_EQ(cluster.apply(k_path, object, "agent").http, 200);
  EXPECT_EQ(cluster.store.revision(), revision);
  EXPECT_EQ(cluster.object("configmaps", "a")["metadata"]["ownerReferences"].size(), 1U);
}

TEST(Apply, without_a_field_manager_is_invalid) {
  StoreFixture cluster;
  const ApiAnswer answer = cluster.send("PATCH", k_path, config_map("a", json::object()), {},
                                        "application/apply-patch+yaml");
  EXPECT_EQ(answer.http, 422);
  EXPECT_EQ(answer.body.json()["details"]["causes"][0]["field"], "fieldManager");
}

TEST(Apply, with_an_old_revision_is_a_conflict) {
  StoreFixture cluster;
  cluster.apply(k_path, config_map("a", {{"x", "1"}}), "agent");
  json object = config_map("a", {{"x", "2"}});
  object["metadata"]["resourceVersion"] = "1";
  EXPECT_EQ(cluster.apply(k_path, object, "agent").http, 409);
}

TEST(Apply, that_names_a_uid_makes_no_new_object) {
  StoreFixture cluster;
  json object = config_map("a", {{"x", "1"}});
  object["metadata"]["uid"] = "of-one-that-is-gone";
  const ApiAnswer answer = cluster.apply(k_path, object, "agent", true);
  EXPECT_EQ(answer.http, 409);
  EXPECT_EQ(answer.body.json()["reason"], "Conflict");
  EXPECT_NE(answer.body.json()["message"].get<std::string>().find("no existing object was found"),
            std::string::npos);
  EXPECT_TRUE(cluster.object("configmaps", "a").is_null());
}

TEST(Apply, of_a_label_leaves_the_pod_that_was_created_otherwise_alone) {
  StoreFixture cluster;
  const std::string path = std::string(k_pods) + "/p";
  ASSERT_EQ(cluster.send("POST", k_pods, pod("p", {{"a", "1"}}), {{"fieldManager", "agent"}}).http,
            201);
  const json before = cluster.object("pods", "p");
  json label{{"apiVersion", "v1"},
             {"kind", "Pod"},
             {"metadata",
              {{"name", "p"}, {"uid", before["metadata"]["uid"]}, {"labels", {{"serves", "1"}}}}}};
  const ApiAnswer labelled = cluster.apply(path, label, "agent");
  ASSERT_EQ(labelled.http, 200) << labelled.body.canonical();
  EXPECT_EQ(labelled.body.json()["metadata"]["labels"], (json{{"a", "1"}, {"serves", "1"}}));
  EXPECT_EQ(cluster.apply(path, label, "agent").body, labelled.body);

  label["metadata"].erase("labels");
  const ApiAnswer bare = cluster.apply(path, label, "agent");
  ASSERT_EQ(bare.http, 200) << bare.body.canonical();
  EXPECT_EQ(bare.body.json()["metadata"]["labels"], (json{{"a", "1"}}));
  EXPECT_EQ(bare.body.json()["spec"], before["spec"]);
  EXPECT_EQ(cluster.apply(path, label, "agent").body, bare.body);

  label["metadata"]["uid"] = "of-the-one-before";
  EXPECT_EQ(cluster.apply(path, label, "agent").http, 422);
}

TEST(Apply, to_the_status_owns_it_apart_from_the_spec) {
  StoreFixture cluster;
  const std::string path = std::string(k_pods) + "/p";
  cluster.apply(path, pod("p"), "agent");
  const json status{{"apiVersion", "v1"},
                    {"kind", "Pod"},
                    {"metadata", {{"name", "p"}}},
                    {"status", {{"phase", "Running"}}}};
  const ApiAnswer answer = cluster.apply(path + "/status", status, "agent", true);
  ASSERT_EQ(answer.http, 200);
  EXPECT_EQ(answer.body.json()["status"]["phase"], "Running");
  EXPECT_TRUE(answer.body.json()["spec"].contains("containers"));
}

TEST(Update, takes_the_fields_it_changes_from_everybody) {
  StoreFixture cluster;
  cluster.apply(k_path, config_map("a", {{"x", "1"}, {"y", "1"}}), "agent");
  cluster.send("PUT", k_path, config_map("a", {{"x", "2"}, {"y", "1"}}),
               {{"fieldManager", "user"}});
  const json object = cluster.object("configmaps", "a");
  EXPECT_EQ(entry_of(object, "agent", "Apply")["fieldsV1"],
            json::parse(R"({"f:data":{"f:y":{}}})"));
  EXPECT_EQ(entry_of(object, "user", "Update")["fieldsV1"],
            json::parse(R"({"f:data":{"f:x":{}}})"));
}

}  // namespace
}  // namespace ray_gitops::local_cluster
