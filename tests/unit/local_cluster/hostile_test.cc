// Whatever a client sends: an answer, never an exception, and a store that still works.
#include <set>

#include <gtest/gtest.h>

#include "tests/unit/local_cluster/support.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

json full_object(const ResourceType& type) {
  json object = pod("x", {{"app", "ray"}});
  object["apiVersion"] = api_version_of(type);
  object["kind"] = type.kind;
  json& spec = object["spec"];
  spec["containers"][0]["env"] = {
      {{"name", "A"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "a"}}}}}}};
  spec["containers"][0]["ports"] = {{{"containerPort", 1}, {"name", "p"}}};
  spec["containers"][0]["resources"] = {{"limits", {{"cpu", "1"}}}};
  spec["containers"][0]["readinessProbe"] = {{"httpGet", {{"port", 1}}}};
  spec["volumes"] = {{{"name", "v"}, {"configMap", {{"name", "c"}}}}};
  spec["selector"] = {{"app", "ray"}};
  spec["ports"] = {{{"port", 1}, {"targetPort", "p"}}};
  object["metadata"]["annotations"] = {{"a", "b"}};
  object["metadata"]["finalizers"] = {"a/b"};
  object["metadata"]["ownerReferences"] = {
      {{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", "o"}, {"uid", "u"}}};
  object["data"] = {{"k", "dmFsdWU="}};
  object["stringData"] = {{"s", "t"}};
  object["endpoints"] = {{{"addresses", {"10.0.0.1"}}}};
  object["status"] = {{"phase", "Running"},
                      {"podIP", "10.0.0.1"},
                      {"conditions", {{{"type", "Ready"}, {"status", "True"}}}},
                      {"containerStatuses", {{{"name", "main"}, {"state", {{"running", {}}}}}}}};
  object["involvedObject"] = {{"kind", "Pod"}, {"name", "x"}};
  return object;
}

void use_everything(StoreFixture& cluster, const std::string& collection, const json& body) {
  const std::string path = collection + "/x";
  cluster.send("POST", collection, body);
  cluster.apply(path, body, "one");
  cluster.apply(path + "/status", body, "one", true);
  cluster.send("PUT", path, body);
  cluster.send("PATCH", path + "/status", body, {}, "application/merge-patch+json");
  cluster.send("POST", path + "/binding", body);
  cluster.store.settle(cluster.now);
  ApiRequest list{.method = "GET",
                  .target = *parse_target(collection),
                  .query = {},
                  .content_type = {},
                  .user_agent = {},
                  .body = {},
                  .wants_table = true};
  EXPECT_EQ(cluster.store.handle(list, cluster.now).http, 200);
  cluster.send("DELETE", path, body);
  cluster.store.settle(cluster.now);
  cluster.send("DELETE", path, {{"gracePeriodSeconds", 0}});
}

// Every leaf and all that is above it, once.
std::vector<json::json_pointer> places_in(const json& object) {
  const json flat = object.flatten();
  std::set<std::string> texts;
  for (const auto& [pointer, leaf] : flat.items())
    for (json::json_pointer at(pointer); !at.empty(); at = at.parent_pointer())
      texts.insert(at.to_string());
  std::vector<json::json_pointer> places;
  for (const std::string& text : texts) places.emplace_back(text);
  return places;
}

class AnyValueAnywhere : public testing::TestWithParam<ResourceType> {};

TEST_P(AnyValueAnywhere, gets_an_answer) {
  const json values[] = {nullptr, 7, "\xff\xfe", json::array({1}), json{{"a", 1}}};
  const ResourceType& type = GetParam();
  const std::string base =
      type.group.empty() ? "/api/v1" : "/apis/" + std::string(type.group) + "/v1";
  const std::string collection =
      base + (type.namespaced ? "/namespaces/default/" : "/") + std::string(type.plural);
  const json object = full_object(type);
  StoreFixture cluster;
  use_everything(cluster, collection, object);
  for (const json::json_pointer& at : places_in(object)) {
    for (const json& value : values) {
      json changed = object;
      changed[at] = value;
      use_everything(cluster, collection, changed);
    }
  }
  for (const json& value : values) use_everything(cluster, collection, value);
  EXPECT_FALSE(cluster.store.find({"namespaces", "", "default"}).is_null());
}

INSTANTIATE_TEST_SUITE_P(Types, AnyValueAnywhere,
                         testing::ValuesIn(resource_types().begin(), resource_types().end()),
                         [](const auto& type) { return std::string(type.param.kind); });

}  // namespace
}  // namespace ray_gitops::local_cluster
