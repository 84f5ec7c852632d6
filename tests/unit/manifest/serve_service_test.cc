#include "reconcilers/manifest/serve_service.h"

#include <string>
#include <variant>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/view.h"
#include "tests/support/declared.h"

namespace ray_gitops::test {
namespace {

using Json = nlohmann::json;

const OwnerFacts k_service_owner{"prod", "rayservice.fruit", "uid-of-the-anchor"};

// A RayService. The arguments are flow-style YAML that is added to the place they name.
struct ServiceText {
  std::string serve_service = {};  // of the spec: "serveService: {...}"
  std::string head = {};           // of the head group: ", key: value"
  std::string container = {};      // of the Ray container: ", key: value"
};

Declaration service(const ServiceText& text) {
  return declared(
      "apiVersion: ray.io/v1\nkind: RayService\nmetadata: {name: fruit, namespace: team}\nspec:\n"
      "  serveConfigV2: 'applications: [{import_path: a:b}]'\n  " +
      text.serve_service +
      "\n  rayClusterConfig: {headGroupSpec: {template: {spec: {containers: [{name: h, image: ray" +
      text.container + "}]}}" + text.head + "}}\n");
}

const RayServiceSpec& service_spec(const Declaration& declaration) {
  return std::get<RayServiceSpec>(declaration.spec);
}

Json body_of(const ServiceText& text, const std::string& cluster = "fruit-0a1b2") {
  const Declaration declaration = service(text);
  return serve_service_body(declaration, service_spec(declaration), cluster, k_service_owner)
      .json();
}

std::string ports_of(const Json& body) {
  std::string text;
  for (const Json& port : body.at("spec").at("ports"))
    text += port.at("name").get<std::string>() + " " + port.at("port").dump() + "\n";
  return text;
}

TEST(ServeService, has_the_serve_ports_of_the_head) {
  EXPECT_EQ(ports_of(body_of({})), "serve 8000\n");
  EXPECT_EQ(ports_of(body_of({.container = ", ports: [{name: serve, containerPort: 9}, {name: "
                                           "serve-grpc, containerPort: 10}, {name: gcs, "
                                           "containerPort: 6379}]"})),
            "serve 9\nserve-grpc 10\n");
}

// The API refuses two ports of one number.
TEST(ServeService, never_has_one_number_twice) {
  EXPECT_EQ(ports_of(body_of({.container = ", ports: [{name: serve, containerPort: 9}, {name: "
                                           "serve-b, containerPort: 9}]"})),
            "serve 9\n");
  EXPECT_EQ(ports_of(body_of({.serve_service = "serveService: {spec: {ports: [{name: serve-b, "
                                               "port: 9}]}}",
                              .container = ", ports: [{name: serve, containerPort: 9}, {name: "
                                           "serve-b, containerPort: 8}]"})),
            "serve-b 9\n");
}

TEST(ServeService, leads_to_pods_of_the_cluster_that_serve_whatever_the_user_writes) {
  for (const char* users : {"", "serveService: {spec: {selector: {app: x}}}"}) {
    const Json body = body_of({.serve_service = users}, "fruit-ffff0");
    EXPECT_EQ(body.at("spec").at("selector"),
              Json::parse(R"({"ray.io/cluster":"fruit-ffff0","ray.io/serve":"true"})"));
    EXPECT_EQ(body.at("metadata").at("namespace"), "team");
  }
}

TEST(ServeService, has_the_type_of_its_own_then_of_the_head_then_the_usual_one) {
  EXPECT_EQ(body_of({}).at("spec").at("type"), "ClusterIP");
  EXPECT_FALSE(body_of({}).at("spec").contains("clusterIP"));
  EXPECT_EQ(body_of({.head = ", serviceType: NodePort"}).at("spec").at("type"), "NodePort");
  EXPECT_EQ(body_of({.serve_service = "serveService: {spec: {type: LoadBalancer}}",
                     .head = ", serviceType: NodePort"})
                .at("spec")
                .at("type"),
            "LoadBalancer");
}

TEST(ServeService, is_named_by_the_user_or_after_the_service) {
  const auto name = [](const std::string& users) {
    const Declaration declaration = service({.serve_service = users});
    return serve_service_name("fruit", service_spec(declaration));
  };
  EXPECT_EQ(name(""), "fruit-serve-svc");
  EXPECT_EQ(name("serveService: {metadata: {labels: {a: b}}}"), "fruit-serve-svc");
  EXPECT_EQ(name("serveService: {metadata: {name: ''}}"), "fruit-serve-svc");
  EXPECT_EQ(name("serveService: {metadata: {name: entry}}"), "entry");
}

TEST(ServeService, has_another_hash_and_shape_when_it_leads_elsewhere) {
  const auto hash = [](const Json& body) {
    return body.at("metadata").at("annotations").at(labels::k_desired_hash);
  };
  EXPECT_EQ(hash(body_of({})), hash(body_of({})));
  EXPECT_NE(hash(body_of({}, "fruit-0a1b2")), hash(body_of({}, "fruit-ffff0")));
  EXPECT_NE(service_shape(body_of({}, "fruit-0a1b2")), service_shape(body_of({}, "fruit-ffff0")));
  EXPECT_NE(hash(body_of({.serve_service = "serveService: {metadata: {labels: {a: b}}}"})),
            hash(body_of({})));
}

TEST(ServeService, belongs_to_the_services_anchor) {
  const Json body = body_of({});
  const Json& owner = body.at("metadata").at("ownerReferences").at(0);
  EXPECT_EQ(owner.at("name"), "rayservice.fruit");
  EXPECT_EQ(owner.at("controller"), true);
}

TEST(ServeLabel, is_all_that_its_apply_says_of_a_pod) {
  EXPECT_EQ(serve_label_body("p", "team", true).canonical(),
            R"({"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"ray.io/serve":"true"},)"
            R"("name":"p","namespace":"team"}})");
  EXPECT_EQ(serve_label_body("p", "team", false).canonical(),
            R"({"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"ray.io/serve":"false"},)"
            R"("name":"p","namespace":"team"}})");
}

}  // namespace
}  // namespace ray_gitops::test
