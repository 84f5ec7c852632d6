#include "agent/local_cluster/kubelet/environment.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

TEST(References, are_expanded_as_kubernetes_does) {
  const std::map<std::string, std::string> names = {{"A", "1"}, {"B", "$(A)"}, {"EMPTY", ""}};
  const std::pair<const char*, const char*> cases[] = {{"$(A)", "1"},
                                                       {"x$(A)y$(A)", "x1y1"},
                                                       {"$(B)", "$(A)"},
                                                       {"$$(A)", "$(A)"},
                                                       {"$$$(A)", "$1"},
                                                       {"$$$$(A)", "$$(A)"},
                                                       {"$(EMPTY)", ""},
                                                       {"$(UNKNOWN)", "$(UNKNOWN)"},
                                                       {"$(A", "$(A"},
                                                       {"$A", "$A"},
                                                       {"$", "$"},
                                                       {"", ""},
                                                       {"$()", "$()"},
                                                       {"${A}", "${A}"},
                                                       {"$(X$(A))", "$(X$(A))"}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(expand_references(text, names), expected);
}

struct EnvironmentTest : testing::Test {
  Document find(const std::string& plural, const std::string& name) const {
    const auto found = objects.find(plural + "/" + name);
    return found == objects.end() ? Document() : Document(found->second);
  }
  Result<Environment> resolve(const char* container, const Environment& base = {}) const {
    const json parsed = json::parse(container);
    const FindObject lookup = [this](const std::string& plural, const std::string& name) {
      return find(plural, name);
    };
    return resolve_environment({pod, parsed, "10.88.0.2", "10.88.0.1", "local", lookup}, base);
  }

  json pod = json::parse(R"({"metadata": {"name": "p", "namespace": "n", "uid": "u",
      "labels": {"ray.io/cluster": "demo"}, "annotations": {"a/b": "c"}}})");
  std::map<std::string, json> objects = {
      {"secrets/s",
       json::parse(R"({"kind": "Secret", "data": {"token": "c2VjcmV0", "x": "eA=="}})")},
      {"configmaps/c", json::parse(R"({"kind": "ConfigMap", "data": {"k": "v"},
          "binaryData": {"b": "AAE="}})")}};
};

TEST_F(EnvironmentTest, takes_fields_of_the_pod) {
  const auto environment = resolve(R"({"env": [
      {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
      {"name": "S", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
      {"name": "U", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
      {"name": "L", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['ray.io/cluster']"}}},
      {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['a/b']"}}},
      {"name": "I", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
      {"name": "H", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]})");
  EXPECT_EQ(environment.value(), (Environment{{"N", "p"},
                                              {"S", "n"},
                                              {"U", "u"},
                                              {"L", "demo"},
                                              {"A", "c"},
                                              {"I", "10.88.0.2"},
                                              {"H", "local"}}));
}

TEST_F(EnvironmentTest, takes_keys_of_secrets_and_config_maps) {
  const auto environment = resolve(R"({
      "envFrom": [{"prefix": "P_", "configMapRef": {"name": "c"}},
                  {"secretRef": {"name": "none", "optional": true}}],
      "env": [{"name": "T", "valueFrom": {"secretKeyRef": {"name": "s", "key": "token"}}},
              {"name": "O", "valueFrom": {"secretKeyRef": {"name": "s", "key": "no",
                                                           "optional": true}}}]})");
  EXPECT_EQ(environment.value(),
            (Environment{{"P_b", std::string("\0\1", 2)}, {"P_k", "v"}, {"T", "secret"}}));
}

TEST_F(EnvironmentTest, names_what_is_missing) {
  EXPECT_EQ(resolve(R"({"env": [{"name": "T", "valueFrom": {"secretKeyRef":
                {"name": "none", "key": "k"}}}]})")
                .error()
                .message,
            "there is no secrets/none in the namespace");
  EXPECT_EQ(resolve(R"({"env": [{"name": "T", "valueFrom": {"secretKeyRef":
                {"name": "s", "key": "k"}}}]})")
                .error()
                .message,
            "secrets/s: it has no key k");
  EXPECT_FALSE(resolve(R"({"envFrom": [{"configMapRef": {"name": "none"}}]})"));
  EXPECT_FALSE(resolve(R"({"env": [{"name": "T", "valueFrom": {"fieldRef":
                {"fieldPath": "spec.magic"}}}]})"));
  EXPECT_FALSE(resolve(R"({"env": [{"name": "T", "valueFrom": {"fileKeyRef": {}}}]})"));
}

TEST_F(EnvironmentTest, later_entries_see_earlier_ones_and_replace_them) {
  const auto environment = resolve(
      R"json({"env": [{"name": "A", "value": "2$(A)"}, {"name": "B", "value": "$(A)$(LATER)"},
                      {"name": "LATER", "value": "x"}, {"name": "A", "value": "3"}]})json",
      {{"A", "1"}});
  EXPECT_EQ(environment.value(), (Environment{{"A", "3"}, {"B", "21$(LATER)"}, {"LATER", "x"}}));
}

TEST_F(EnvironmentTest, takes_the_containers_resources) {
  const auto environment = resolve(R"({
      "resources": {"limits": {"memory": "2Gi", "cpu": "1500m"}},
      "env": [{"name": "M", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory",
                                                               "divisor": "1Mi"}}},
              {"name": "C", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
              {"name": "R", "valueFrom": {"resourceFieldRef": {"resource": "requests.cpu"}}}]})");
  EXPECT_EQ(environment.value(), (Environment{{"M", "2048"}, {"C", "2"}, {"R", "0"}}));
}

}  // namespace
}  // namespace ray_gitops::local_cluster
