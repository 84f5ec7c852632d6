#include "agent/local_cluster/kubelet/service_routes.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

const AddressPool k_pods = AddressPool::parse("10.88.0.0/24").value();

json service_of(const std::string& type, const json& ports, const std::string& ip = "10.96.0.1") {
  return {{"metadata", {{"name", "s"}, {"namespace", "team"}}},
          {"spec", {{"type", type}, {"clusterIP", ip}, {"ports", ports}}}};
}

json endpoint(const std::string& pod, const std::string& address, const json& conditions) {
  return {{"addresses", json::array({address})},
          {"conditions", conditions},
          {"targetRef", {{"kind", "Pod"}, {"name", pod}}}};
}

json slice_of(const json& ports, const json& endpoints, const std::string& ns = "team") {
  return {{"metadata", {{"namespace", ns}, {"labels", {{"kubernetes.io/service-name", "s"}}}}},
          {"ports", ports},
          {"endpoints", endpoints}};
}

// "10.96.0.1:80 team/s 10.88.0.2:8000 ..." a line.
std::string plan(const json& service, const std::vector<json>& slices) {
  std::vector<Document> documents;
  for (const json& slice : slices) documents.emplace_back(slice);
  const auto render = [](const SocketAddress& at) {
    return at.address + ":" + std::to_string(at.port);
  };
  std::string text;
  for (const auto& [at, route] : plan_service_routes({Document(service)}, documents, k_pods)) {
    text += render(at) + " " + route.service;
    for (const SocketAddress& each : route.endpoints) text += " " + render(each);
    text += "\n";
  }
  return text;
}

const json k_ready{{"ready", true}};
const json k_one_port = json::array({{{"port", 80}, {"protocol", "TCP"}}});
const json k_resolved = json::array({{{"name", ""}, {"port", 8000}, {"protocol", "TCP"}}});

TEST(ServiceRoutes, lead_to_the_ready_pods_by_name) {
  const json ready = json::array(
      {endpoint("c", "10.88.0.2", k_ready), endpoint("a", "10.88.0.9", k_ready),
       endpoint("b", "10.88.0.5", {{"ready", false}}), endpoint("d", "10.88.0.7", json::object())});
  EXPECT_EQ(plan(service_of("ClusterIP", k_one_port), {slice_of(k_resolved, ready)}),
            "10.96.0.1:80 team/s 10.88.0.9:8000 10.88.0.2:8000 10.88.0.7:8000\n");
}

TEST(ServiceRoutes, resolve_each_port_for_each_slice) {
  const json ports =
      json::array({{{"name", "web"}, {"port", 80}}, {{"name", "gcs"}, {"port", 81}}});
  const json first = json::array({{{"name", "web"}, {"port", 1}}, {{"name", "gcs"}, {"port", 2}}});
  const json second = json::array({{{"name", "web"}, {"port", 3}}});
  EXPECT_EQ(plan(service_of("ClusterIP", ports),
                 {slice_of(first, json::array({endpoint("a", "10.88.0.2", k_ready)})),
                  slice_of(second, json::array({endpoint("b", "10.88.0.3", k_ready)}))}),
            "10.96.0.1:80 team/s 10.88.0.2:1 10.88.0.3:3\n10.96.0.1:81 team/s 10.88.0.2:2\n");
}

TEST(ServiceRoutes, of_node_ports_are_on_loopback_too) {
  const json ports = json::array({{{"port", 80}, {"nodePort", 30007}}});
  const json slice = slice_of(k_resolved, json::array({endpoint("a", "10.88.0.2", k_ready)}));
  EXPECT_EQ(plan(service_of("NodePort", ports), {slice}),
            "10.96.0.1:80 team/s 10.88.0.2:8000\n127.0.0.1:30007 team/s 10.88.0.2:8000\n");
  EXPECT_EQ(plan(service_of("ClusterIP", ports), {slice}), "10.96.0.1:80 team/s 10.88.0.2:8000\n");
}

TEST(ServiceRoutes, are_none_without_address_or_ready_pod_or_tcp) {
  const json slice = slice_of(k_resolved, json::array({endpoint("a", "10.88.0.2", k_ready)}));
  for (const char* ip : {"None", "", "10.88.0.9", "127.0.0.1"})
    EXPECT_EQ(plan(service_of("ClusterIP", k_one_port, ip), {slice}), "") << ip;
  EXPECT_EQ(plan(service_of("ClusterIP", k_one_port), {slice_of(k_resolved, json::array())}), "");
  EXPECT_EQ(
      plan(service_of("ClusterIP", json::array({{{"port", 80}, {"protocol", "UDP"}}})), {slice}),
      "");
  json elsewhere = slice;
  elsewhere["metadata"]["namespace"] = "other";
  EXPECT_EQ(plan(service_of("ClusterIP", k_one_port), {elsewhere}), "");
}

TEST(ServiceRoutes, never_lead_to_what_is_no_pod) {
  json endpoints = json::array();
  for (const char* address : {"127.0.0.1", "10.88.0.1", "192.0.2.1", "10.96.0.2", "::1", "x", ""})
    endpoints.push_back(endpoint("a", address, k_ready));
  EXPECT_EQ(plan(service_of("ClusterIP", k_one_port), {slice_of(k_resolved, endpoints)}), "");
}

TEST(ServiceRoutes, ignore_what_is_malformed) {
  const json strange = slice_of(json::array({7, {{"port", 70000}}, {{"port", "x"}}}),
                                json::array({3, {{"addresses", 5}}, {{"addresses", {1}}}}));
  const json ports = json::array({"x", {{"port", "y"}}, {{"port", -1}}});
  EXPECT_EQ(plan(service_of("ClusterIP", ports), {strange, json(3), json()}), "");
  EXPECT_EQ(plan(json(), {strange}), "");
}

TEST(Endpoints, are_chosen_in_turn_and_the_next_ones_stand_by) {
  const SocketAddress a{"10.88.0.2", 1};
  const SocketAddress b{"10.88.0.3", 1};
  const SocketAddress c{"10.88.0.4", 1};
  using Chosen = std::vector<SocketAddress>;
  EXPECT_EQ(choose_endpoints({a, b, c}, 0), (Chosen{a, b, c}));
  EXPECT_EQ(choose_endpoints({a, b, c}, 1), (Chosen{b, c, a}));
  EXPECT_EQ(choose_endpoints({a, b, c}, 5), (Chosen{c, a, b}));
  EXPECT_EQ(choose_endpoints({a, b}, 5), (Chosen{b, a}));
  EXPECT_EQ(choose_endpoints({}, 5), Chosen{});
  EXPECT_EQ(choose_endpoints(Chosen(20, a), 0).size(), k_endpoint_attempts_max);
}

TEST(LocalClient, is_a_pod_or_a_process_of_this_host) {
  for (const char* client : {"10.88.0.2", "10.88.0.254", "127.0.0.1", "10.96.0.1"})
    EXPECT_TRUE(is_local_client(client, "10.96.0.1", k_pods)) << client;
  for (const char* client : {"192.0.2.2", "10.96.0.2", "10.89.0.2", "10.88.1.2", ""})
    EXPECT_FALSE(is_local_client(client, "10.96.0.1", k_pods)) << client;
}

}  // namespace
}  // namespace ray_gitops::local_cluster
