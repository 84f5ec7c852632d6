#include "reconcilers/manifest/service.h"

#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/view.h"
#include "tests/unit/manifest/support.h"

namespace ray_gitops::test {
namespace {

using Json = nlohmann::json;

// "name number/protocol", by name. Two of one name, or of one number and protocol, fail: the API
// refuses them.
std::string ports_of(const Json& service) {
  std::set<std::string> names;
  std::set<std::string> numbers;
  std::string text;
  for (const Json& port : service.at("spec").at("ports")) {
    const std::string number = port.at("port").dump() + "/" + port.value("protocol", "TCP");
    EXPECT_TRUE(names.insert(port.at("name")).second) << port;
    EXPECT_TRUE(numbers.insert(number).second) << port;
    text += port.at("name").get<std::string>() + " " + number + "\n";
  }
  return text;
}

Declaration with_service(const std::string& service, const std::string& container = {}) {
  return cluster({.head = ", headService: " + service, .head_container = container});
}

TEST(HeadService, is_headless_and_resolves_before_the_head_is_ready) {
  const Json spec = service_of(cluster({})).at("spec");
  EXPECT_EQ(spec.at("clusterIP"), "None");
  EXPECT_EQ(spec.at("publishNotReadyAddresses"), true);
}

TEST(HeadService, has_kuberays_ports_where_the_head_lists_none) {
  EXPECT_EQ(ports_of(service_of(cluster({}))),
            "client 10001/TCP\ndashboard 8265/TCP\ngcs-server 6379/TCP\nmetrics 8080/TCP\n"
            "serve 8000/TCP\n");
}

TEST(HeadService, has_the_ports_of_the_ray_container) {
  const Declaration declaration = cluster(
      {.head_container = ", ports: [{name: gcs, containerPort: 6379}, {containerPort: 9000}]"});
  EXPECT_EQ(ports_of(service_of(declaration)),
            "9000-port 9000/TCP\ngcs 6379/TCP\nmetrics 8080/TCP\n");
}

TEST(HeadService, never_has_one_number_twice) {
  const Declaration taken =
      cluster({.head_container = ", ports: [{name: other, containerPort: 8080}]"});
  EXPECT_EQ(ports_of(service_of(taken)), "other 8080/TCP\n");
  const Declaration twice =
      cluster({.head_container = ", ports: [{name: a, containerPort: 7}, {name: b, "
                                 "containerPort: 7, protocol: UDP}]"});
  EXPECT_EQ(ports_of(service_of(twice)), "a 7/TCP\nmetrics 8080/TCP\n");
}

// KubeRay appends its ports to the user's, and the API refuses the duplicates (sharp edge E26).
TEST(HeadService, merges_the_users_ports_by_name_and_by_number) {
  const Declaration declaration = with_service(
      "{spec: {ports: [{name: web, port: 8265, targetPort: 8265}, {name: serve, port: 80}, {port: "
      "6379, protocol: UDP}, {port: 9}]}}");
  EXPECT_EQ(ports_of(service_of(declaration)),
            "6379-port 6379/UDP\n9-port 9/TCP\nclient 10001/TCP\ngcs-server 6379/TCP\n"
            "metrics 8080/TCP\nserve 80/TCP\nweb 8265/TCP\n");
}

TEST(HeadService, takes_type_name_and_metadata_from_the_users) {
  const Json service = service_of(cluster(
      {.spec = "  headServiceAnnotations: {who: cluster, more: cluster}\n",
       .head = ", serviceType: ClusterIP, headService: {metadata: {name: entry, labels: {mine: a, "
               "ray.io/cluster: x}, annotations: {who: service, other: service}}, spec: {type: "
               "LoadBalancer, selector: {app: x}, sessionAffinity: ClientIP}}"}));
  EXPECT_EQ(service.at("metadata").at("name"), "entry");
  EXPECT_EQ(service.at("metadata").at("labels").at("mine"), "a");
  EXPECT_EQ(service.at("metadata").at("labels").at("ray.io/cluster"), "demo");
  EXPECT_EQ(service.at("metadata").at("annotations").at("who"), "cluster");
  EXPECT_EQ(service.at("metadata").at("annotations").at("other"), "service");
  EXPECT_EQ(service.at("spec").at("type"), "LoadBalancer");
  EXPECT_EQ(service.at("spec").at("sessionAffinity"), "ClientIP");
  EXPECT_FALSE(service.at("spec").at("selector").contains("app"));
  EXPECT_FALSE(service.at("spec").contains("clusterIP"));
}

TEST(HeadService, of_another_type_is_not_headless) {
  const Json spec = service_of(cluster({.head = ", serviceType: NodePort"})).at("spec");
  EXPECT_EQ(spec.at("type"), "NodePort");
  EXPECT_FALSE(spec.contains("clusterIP"));
  EXPECT_FALSE(spec.contains("publishNotReadyAddresses"));
}

// Sharp edge E40: a change must be seen, or it never reaches the cluster.
TEST(HeadService, has_another_hash_when_anything_of_it_changes) {
  const auto hash = [](const Declaration& declaration) {
    return service_of(declaration).at("metadata").at("annotations").at(labels::k_desired_hash);
  };
  const std::string plain = hash(cluster({}));
  EXPECT_EQ(hash(cluster({})), plain);
  EXPECT_EQ(hash(cluster({.worker = ", minReplicas: 1"})), plain);
  EXPECT_NE(hash(cluster({.spec = "  headServiceAnnotations: {a: b}\n"})), plain);
  EXPECT_NE(hash(cluster({.head = ", serviceType: NodePort"})), plain);
  EXPECT_NE(hash(cluster({.head_container = ", ports: [{name: a, containerPort: 7}]"})), plain);
  EXPECT_NE(hash(with_service("{metadata: {labels: {a: b}}}")), plain);
}

// What the API server fills in is no drift.
TEST(HeadService, has_the_same_shape_as_the_server_serves_it) {
  Json served = service_of(cluster({.head = ", serviceType: NodePort"}));
  const std::string shape = service_shape(served);
  for (Json& port : served["spec"]["ports"]) {
    port["targetPort"] = port["port"];
    port["nodePort"] = 30000;
  }
  served["spec"]["clusterIP"] = "10.0.0.7";
  served["spec"]["internalTrafficPolicy"] = "Cluster";
  served["spec"]["sessionAffinity"] = "None";
  EXPECT_EQ(service_shape(served), shape);
  served["spec"]["ports"][0]["targetPort"] = 1;
  EXPECT_NE(service_shape(served), shape);
}

TEST(WorkersService, leads_to_all_workers_before_they_are_ready) {
  const Json service = workers_service_body(cluster({}), k_owner).json();
  EXPECT_EQ(service.at("metadata").at("name"), "demo-headless");
  EXPECT_EQ(service.at("metadata").at("labels").at("ray.io/headless-worker-svc"), "demo");
  EXPECT_EQ(service.at("spec").at("clusterIP"), "None");
  EXPECT_EQ(service.at("spec").at("publishNotReadyAddresses"), true);
  EXPECT_EQ(service.at("spec").at("selector"),
            (Json{{"ray.io/cluster", "demo"}, {"ray.io/node-type", "worker"}}));
  EXPECT_FALSE(service.at("spec").contains("ports"));
}

}  // namespace
}  // namespace ray_gitops::test
