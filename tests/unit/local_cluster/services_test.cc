// What a Service is given by the cluster: an address, and ports of the host.
#include <gtest/gtest.h>

#include "agent/local_cluster/store/service_network.h"
#include "tests/unit/local_cluster/support.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

const json k_ports{{{"name", "web"}, {"port", 80}}, {{"name", "gcs"}, {"port", 6379}}};

std::string path_of(const std::string& name) { return std::string(k_services) + "/" + name; }

// "field: message" of a refusal; "201" of what is granted.
std::string answer_to(const ApiAnswer& answer) {
  if (answer.http != 422) return std::to_string(answer.http);
  const json& cause = answer.body.json()["details"]["causes"][0];
  return cause["field"].get<std::string>() + ": " + cause["message"].get<std::string>();
}

std::string create(StoreFixture& cluster, const std::string& name, const json& spec) {
  return answer_to(cluster.send("POST", k_services, service(name, spec)));
}

std::string merge(StoreFixture& cluster, const std::string& name, const json& spec) {
  return answer_to(
      cluster.send("PATCH", path_of(name), {{"spec", spec}}, {}, "application/merge-patch+json"));
}

json spec_of(const StoreFixture& cluster, const std::string& name) {
  return cluster.object("services", name)["spec"];
}

TEST(Services, get_the_lowest_free_address) {
  StoreFixture cluster;
  const json spec{{"ports", {{{"port", 80}}}}};
  for (const char* name : {"a", "b", "c"}) cluster.send("POST", k_services, service(name, spec));
  EXPECT_EQ(cluster.object("services", "c")["spec"]["clusterIP"], "10.96.0.3");
  cluster.send("DELETE", std::string(k_services) + "/b");
  cluster.send("POST", k_services, service("d", spec));
  EXPECT_EQ(cluster.object("services", "d")["spec"]["clusterIP"], "10.96.0.2");
  EXPECT_EQ(cluster.object("services", "d")["spec"]["ports"][0]["targetPort"], 80);
  EXPECT_EQ(cluster.object("services", "d")["spec"]["ports"][0]["protocol"], "TCP");
}

TEST(Services, without_address_stay_headless) {
  StoreFixture cluster;
  cluster.send("POST", k_services, service("h", {{"clusterIP", "None"}}));
  EXPECT_EQ(cluster.object("services", "h")["spec"]["clusterIP"], "None");
  EXPECT_EQ(cluster.object("services", "h")["spec"]["clusterIPs"], json::array({"None"}));
}

TEST(Services, keep_their_address_when_an_update_leaves_it_out) {
  StoreFixture cluster;
  cluster.send("POST", k_services, service("a", {{"ports", {{{"port", 80}}}}}));
  const ApiAnswer answer = cluster.send("PUT", std::string(k_services) + "/a",
                                        service("a", {{"ports", {{{"port", 81}}}}}));
  ASSERT_EQ(answer.http, 200);
  EXPECT_EQ(answer.body.json()["spec"]["clusterIP"], "10.96.0.1");
}

TEST(Services, get_the_address_that_they_ask_for_when_it_is_free_and_in_the_range) {
  StoreFixture cluster;
  EXPECT_EQ(create(cluster, "a", {{"clusterIP", "10.96.0.2"}, {"ports", k_ports}}), "201");
  EXPECT_EQ(spec_of(cluster, "a")["clusterIPs"], json::array({"10.96.0.2"}));
  EXPECT_EQ(create(cluster, "b", {{"clusterIP", "10.96.0.2"}, {"ports", k_ports}}),
            "spec.clusterIPs: Invalid value: [\"10.96.0.2\"]: failed to allocate IP 10.96.0.2: "
            "provided IP is already allocated");
  for (const char* outside : {"10.96.0.0", "10.96.255.255", "10.88.0.2", "nonsense"})
    EXPECT_NE(create(cluster, "b", {{"clusterIP", outside}, {"ports", k_ports}})
                  .find("the provided IP is not in the valid range (10.96.0.0/16)"),
              std::string::npos)
        << outside;
  EXPECT_EQ(create(cluster, "b",
                   {{"clusterIP", "10.96.0.3"}, {"clusterIPs", {"10.96.0.4"}}, {"ports", k_ports}}),
            "spec.clusterIPs: Invalid value: [\"10.96.0.4\"]: element [0] must match clusterIP");
  for (const char* name : {"b", "c"}) create(cluster, name, {{"ports", k_ports}});
  EXPECT_EQ(spec_of(cluster, "c")["clusterIP"], "10.96.0.3");
}

TEST(Services, never_change_their_address) {
  StoreFixture cluster;
  create(cluster, "a", {{"ports", k_ports}});
  create(cluster, "h", {{"clusterIP", "None"}, {"ports", k_ports}});
  EXPECT_EQ(merge(cluster, "a", {{"clusterIP", "10.96.0.7"}}),
            "spec.clusterIPs[0]: Invalid value: [\"10.96.0.7\"]: may not change once set");
  EXPECT_EQ(merge(cluster, "a", {{"clusterIP", "None"}}),
            "spec.clusterIPs[0]: Invalid value: [\"None\"]: may not change once set");
  EXPECT_EQ(merge(cluster, "h", {{"clusterIP", "10.96.0.7"}}),
            "spec.clusterIPs[0]: Invalid value: [\"10.96.0.7\"]: may not change once set");
}

TEST(Services, keep_their_address_over_a_restart) {
  StoreFixture cluster;
  for (const char* name : {"a", "b"})
    create(cluster, name, {{"type", "NodePort"}, {"ports", {{{"port", 80}}}}});
  StoreFixture restarted;
  Store store({.uid_seed = 7});
  store.restore(cluster.store.revision(), {cluster.store.find({"namespaces", "", "default"}),
                                           cluster.store.find({"services", "default", "b"})});
  restarted.store = std::move(store);
  EXPECT_EQ(spec_of(restarted, "b"), spec_of(cluster, "b"));
  EXPECT_EQ(create(restarted, "c", {{"clusterIP", "10.96.0.2"}, {"ports", k_ports}}).substr(0, 15),
            "spec.clusterIPs");
  for (const char* name : {"c", "d"})
    create(restarted, name, {{"type", "NodePort"}, {"ports", {{{"port", 80}}}}});
  EXPECT_EQ(spec_of(restarted, "d")["clusterIP"], "10.96.0.3");
  EXPECT_EQ(spec_of(restarted, "d")["ports"][0]["nodePort"], 30002);
}

TEST(Services, of_a_dry_run_take_nothing) {
  StoreFixture cluster;
  cluster.send("POST", k_services, service("a", {{"ports", k_ports}}), {{"dryRun", "All"}});
  create(cluster, "b", {{"ports", k_ports}});
  EXPECT_EQ(spec_of(cluster, "b")["clusterIP"], "10.96.0.1");
}

TEST(Services, that_are_only_names_have_no_address_until_they_become_others) {
  StoreFixture cluster;
  create(cluster, "a", {{"type", "ExternalName"}, {"externalName", "example.com"}});
  EXPECT_FALSE(spec_of(cluster, "a").contains("clusterIP"));
  EXPECT_EQ(merge(cluster, "a", {{"type", "ClusterIP"}, {"ports", k_ports}}), "200");
  EXPECT_EQ(spec_of(cluster, "a")["clusterIP"], "10.96.0.1");
  EXPECT_EQ(merge(cluster, "a", {{"type", "ExternalName"}}), "200");
  EXPECT_FALSE(spec_of(cluster, "a").contains("clusterIP"));
  create(cluster, "b", {{"ports", k_ports}});
  EXPECT_EQ(spec_of(cluster, "b")["clusterIP"], "10.96.0.1");
  EXPECT_EQ(create(cluster, "c", {{"type", "ExternalName"}, {"clusterIP", "10.96.0.9"}}),
            "spec.clusterIPs: Forbidden: may not be set for ExternalName services");
}

TEST(Services, of_an_unknown_type_are_refused) {
  StoreFixture cluster;
  EXPECT_EQ(create(cluster, "a", {{"type", "Nodeport"}, {"ports", k_ports}}),
            "spec.type: Unsupported value: \"Nodeport\": supported values: \"ClusterIP\", "
            "\"ExternalName\", \"LoadBalancer\", \"NodePort\"");
}

TEST(NodePorts, need_an_address_of_the_cluster) {
  StoreFixture cluster;
  for (const std::string type : {"NodePort", "LoadBalancer"})
    EXPECT_EQ(create(cluster, "a", {{"type", type}, {"clusterIP", "None"}, {"ports", k_ports}}),
              "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for " + type +
                  " services");
  create(cluster, "h", {{"clusterIP", "None"}, {"ports", k_ports}});
  EXPECT_EQ(merge(cluster, "h", {{"type", "NodePort"}}).substr(0, 18), "spec.clusterIPs[0]");
}

TEST(NodePorts, are_the_lowest_free_ones_or_those_asked_for) {
  StoreFixture cluster;
  json ports = k_ports;
  ports[1]["nodePort"] = 30000;
  EXPECT_EQ(create(cluster, "a", {{"type", "NodePort"}, {"ports", ports}}), "201");
  EXPECT_EQ(spec_of(cluster, "a")["ports"][0]["nodePort"], 30001);
  EXPECT_EQ(spec_of(cluster, "a")["ports"][1]["nodePort"], 30000);
  EXPECT_EQ(create(cluster, "b", {{"type", "LoadBalancer"}, {"ports", ports}}),
            "spec.ports[1].nodePort: Invalid value: 30000: provided port is already allocated");
  for (const int outside : {80, 29999, 32768, -1, 70000}) {
    ports[1]["nodePort"] = outside;
    EXPECT_EQ(create(cluster, "b", {{"type", "NodePort"}, {"ports", ports}}),
              "spec.ports[1].nodePort: Invalid value: " + std::to_string(outside) +
                  ": provided port is not in the valid range. The range of valid ports is "
                  "30000-32767");
  }
  cluster.send("DELETE", path_of("a"));
  EXPECT_EQ(create(cluster, "b", {{"type", "LoadBalancer"}, {"ports", k_ports}}), "201");
  EXPECT_EQ(spec_of(cluster, "b")["ports"][0]["nodePort"], 30000);
}

TEST(NodePorts, are_kept_when_an_update_leaves_them_out_and_go_with_the_type) {
  StoreFixture cluster;
  create(cluster, "a", {{"type", "NodePort"}, {"ports", k_ports}});
  const json before = spec_of(cluster, "a");
  const json reversed{k_ports[1], k_ports[0]};
  EXPECT_EQ(merge(cluster, "a", {{"ports", reversed}}), "200");
  EXPECT_EQ(spec_of(cluster, "a")["ports"], json({before["ports"][1], before["ports"][0]}));
  EXPECT_EQ(merge(cluster, "a", {{"type", "ClusterIP"}}), "200");
  EXPECT_EQ(spec_of(cluster, "a")["clusterIP"], before["clusterIP"]);
  EXPECT_FALSE(spec_of(cluster, "a")["ports"][0].contains("nodePort"));
  EXPECT_FALSE(spec_of(cluster, "a").contains("externalTrafficPolicy"));
  create(cluster, "b", {{"type", "NodePort"}, {"ports", {{{"port", 80}}}}});
  EXPECT_EQ(spec_of(cluster, "b")["ports"][0]["nodePort"], 30000);
}

TEST(NodePorts, are_kept_by_an_apply_that_does_not_name_them) {
  StoreFixture cluster;
  const json wanted = service("a", {{"type", "NodePort"}, {"ports", {{{"port", 80}}}}});
  ASSERT_EQ(cluster.apply(path_of("a"), wanted, "me").http, 201);
  const json before = cluster.object("services", "a");
  ASSERT_EQ(cluster.apply(path_of("a"), wanted, "me").http, 200);
  EXPECT_EQ(cluster.object("services", "a"), before);
  EXPECT_EQ(before["spec"]["ports"][0]["nodePort"], 30000);
}

TEST(NodePorts, of_a_name_elsewhere_are_nobodys) {
  StoreFixture cluster;
  json ports = k_ports;
  ports[0]["nodePort"] = 30000;
  EXPECT_EQ(create(cluster, "a",
                   {{"type", "ExternalName"}, {"externalName", "example.org"}, {"ports", ports}}),
            "201");
  EXPECT_EQ(create(cluster, "b", {{"type", "NodePort"}, {"ports", {{{"port", 80}}}}}), "201");
  EXPECT_EQ(spec_of(cluster, "b")["ports"][0]["nodePort"], 30000);
}

TEST(NodePorts, of_a_cluster_address_are_refused) {
  StoreFixture cluster;
  json ports = k_ports;
  ports[0]["nodePort"] = 30000;
  EXPECT_EQ(create(cluster, "a", {{"ports", ports}}),
            "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'");
}

TEST(ServiceNetwork, says_when_nothing_is_left) {
  ServiceNetwork network;
  for (std::uint32_t port = k_node_port_first; port <= k_node_port_last; ++port)
    network.take(
        {{"spec", {{"type", "NodePort"}, {"ports", {{{"port", 80}, {"nodePort", port}}}}}}});
  json wanted = service("a", {{"type", "NodePort"}, {"ports", {{{"port", 80}}}}});
  const auto refusal = [&] { return network.allocate(wanted, json()).at(0).message; };
  EXPECT_EQ(refusal(), "Invalid value: 0: every node port is allocated");
  for (std::uint32_t ip = k_cluster_ip_first; ip <= k_cluster_ip_last; ++ip)
    network.take({{"spec", {{"clusterIP", render_ip(ip)}}}});
  wanted["spec"].erase("clusterIP");
  wanted["spec"].erase("clusterIPs");
  EXPECT_EQ(refusal(), "Invalid value: []: failed to allocate a serviceIP: range is full");
}

}  // namespace
}  // namespace ray_gitops::local_cluster
