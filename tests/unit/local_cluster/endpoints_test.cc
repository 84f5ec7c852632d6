#include <gtest/gtest.h>

#include "tests/unit/local_cluster/support.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

class Endpoints : public testing::Test {
 protected:
  void add_service(const json& spec) {
    cluster_.send("POST", k_services, service("s", spec));
    cluster_.store.settle(cluster_.now);
  }

  void add_pod(const std::string& name, const std::string& ip, bool ready) {
    json object = pod(name, {{"app", "ray"}});
    object["spec"]["containers"][0]["ports"] = {{{"containerPort", 6379}, {"name", "gcs"}}};
    cluster_.send("POST", k_pods, object);
    const StoreKey key{"pods", "default", name};
    ASSERT_TRUE(cluster_.store.bind_pod(key, "", "node", cluster_.now));
    set_ready(name, ip, ready);
  }

  void set_ready(const std::string& name, const std::string& ip, bool ready) {
    const json status{{"phase", "Running"},
                      {"podIP", ip},
                      {"conditions", {{{"type", "Ready"}, {"status", ready ? "True" : "False"}}}}};
    ASSERT_TRUE(cluster_.store.set_status({"pods", "default", name}, "", status, cluster_.now));
    cluster_.store.settle(cluster_.now);
  }

  // "10.0.0.1 ready serving" a line, of all slices of the service.
  std::string render() {
    std::string text;
    const Selection selection{.type = find_type_by_plural("endpointslices"),
                              .ns = "default",
                              .labels = *parse_label_selector("kubernetes.io/service-name=s")};
    for (const Document& slice : cluster_.store.list(selection)) {
      for (const json& endpoint : slice.json()["endpoints"]) {
        text += endpoint["addresses"][0].get<std::string>();
        for (const char* condition : {"ready", "serving", "terminating"})
          if (endpoint["conditions"][condition] == true) text += std::string(" ") + condition;
        text += "\n";
      }
    }
    return text;
  }

  json slice() {
    const auto slices =
        cluster_.store.list({.type = find_type_by_plural("endpointslices"), .ns = "default"});
    return slices.size() == 1 ? slices[0].json() : json();
  }

  StoreFixture cluster_;
  const json by_name_{{"selector", {{"app", "ray"}}},
                      {"ports", {{{"name", "gcs"}, {"port", 6379}, {"targetPort", "gcs"}}}}};
};

TEST_F(Endpoints, follow_the_readiness_of_pods) {
  add_service(by_name_);
  EXPECT_EQ(slice()["endpoints"], json::array());
  add_pod("p1", "10.0.0.1", false);
  EXPECT_EQ(render(), "10.0.0.1\n");
  set_ready("p1", "10.0.0.1", true);
  add_pod("p2", "10.0.0.2", true);
  EXPECT_EQ(render(), "10.0.0.1 ready serving\n10.0.0.2 ready serving\n");
  cluster_.send("DELETE", std::string(k_pods) + "/p1");
  cluster_.store.settle(cluster_.now);
  EXPECT_EQ(render(), "10.0.0.1 serving terminating\n10.0.0.2 ready serving\n");
}

TEST_F(Endpoints, belong_to_their_service_and_say_so) {
  add_service(by_name_);
  add_pod("p1", "10.0.0.1", true);
  const json made = slice();
  EXPECT_EQ(made["metadata"]["ownerReferences"][0]["kind"], "Service");
  EXPECT_EQ(made["ports"][0], (json{{"name", "gcs"}, {"port", 6379}, {"protocol", "TCP"}}));
  EXPECT_EQ(made["endpoints"][0]["targetRef"]["name"], "p1");
  EXPECT_EQ(made["endpoints"][0]["nodeName"], "node");
  cluster_.send("DELETE", std::string(k_services) + "/s");
  cluster_.store.settle(cluster_.now);
  EXPECT_TRUE(slice().is_null());
}

TEST_F(Endpoints, are_ready_at_once_when_the_service_publishes_not_ready_addresses) {
  json spec = by_name_;
  spec["publishNotReadyAddresses"] = true;
  spec["clusterIP"] = "None";
  add_service(spec);
  add_pod("p1", "10.0.0.1", false);
  EXPECT_EQ(render(), "10.0.0.1 ready\n");
  EXPECT_TRUE(slice()["metadata"]["labels"].contains("service.kubernetes.io/headless"));
}

TEST_F(Endpoints, lose_a_pod_whose_labels_change) {
  add_service(by_name_);
  add_pod("p1", "10.0.0.1", true);
  cluster_.send("PATCH", std::string(k_pods) + "/p1", {{"metadata", {{"labels", {{"app", "x"}}}}}},
                {}, "application/merge-patch+json");
  cluster_.store.settle(cluster_.now);
  EXPECT_EQ(render(), "");
}

TEST_F(Endpoints, that_somebody_deletes_come_back) {
  add_service(by_name_);
  add_pod("p1", "10.0.0.1", true);
  cluster_.send("DELETE", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/" +
                              slice()["metadata"]["name"].get<std::string>());
  cluster_.store.settle(cluster_.now);
  EXPECT_EQ(render(), "10.0.0.1 ready serving\n");
}

TEST_F(Endpoints, that_are_right_are_not_written_again) {
  add_service(by_name_);
  add_pod("p1", "10.0.0.1", true);
  const std::int64_t revision = cluster_.store.revision();
  set_ready("p1", "10.0.0.1", true);
  cluster_.store.settle(cluster_.now);
  EXPECT_EQ(cluster_.store.revision(), revision);
}

TEST_F(Endpoints, of_a_service_without_selector_are_its_users) {
  add_service({{"ports", {{{"port", 80}}}}});
  add_pod("p1", "10.0.0.1", true);
  EXPECT_TRUE(slice().is_null());
}

}  // namespace
}  // namespace ray_gitops::local_cluster
