#include "agent/kubernetes/access.h"

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/kubernetes/yaml.h"

namespace ray_gitops::kubernetes {
namespace {

using Json = nlohmann::json;
using Rights = std::map<std::string, std::set<std::string>>;  // "<scope> <group>/<resource>": verbs

HttpResponse answer(int status, const std::string& body) {
  return {.status = status, .headers = {}, .body = body};
}

TEST(AccessReview, asks_as_the_api_says) {
  const AccessNeed need{"coordination.k8s.io", "leases", {}, "agents", ""};
  const ApiRequest request = render_access_review(need, "create");
  EXPECT_EQ(request.target, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews");
  EXPECT_EQ(Json::parse(request.body)["spec"],
            Json::parse(R"({"resourceAttributes": {"group": "coordination.k8s.io",
                            "namespace": "agents", "resource": "leases", "verb": "create"}})"));
}

TEST(AccessReview, of_all_namespaces_names_none) {
  const ApiRequest request = render_access_review({"", "pods", {}, "", ""}, "list");
  EXPECT_EQ(Json::parse(request.body)["spec"]["resourceAttributes"],
            Json::parse(R"({"resource": "pods", "verb": "list"})"));
}

TEST(AccessReview, says_yes_no_or_that_it_does_not_know) {
  EXPECT_EQ(parse_access_review(answer(201, R"({"status": {"allowed": true}})")), true);
  EXPECT_EQ(parse_access_review(answer(201, R"({"status": {"allowed": false}})")), false);
  for (const char* body : {"", "[]", "{}", R"({"status": {"allowed": "yes"}})"})
    EXPECT_FALSE(parse_access_review(answer(201, body))) << body;
  const std::string unknown = R"({"kind": "Status", "reason": "NotFound", "code": 404})";
  EXPECT_EQ(parse_access_review(answer(404, unknown)).error().code, ErrorCode::NotFound);
  const std::string stranger = R"({"kind": "Status", "reason": "Unauthorized", "code": 401})";
  EXPECT_EQ(parse_access_review(answer(401, stranger)).error().code, ErrorCode::Unauthenticated);
}

TEST(Version, is_what_the_server_calls_itself) {
  EXPECT_EQ(parse_version(answer(200, R"({"major": "1", "gitVersion": "v1.37.2"})")), "v1.37.2");
  EXPECT_FALSE(parse_version(answer(200, "{}")));
}

// Documents of a file whose rules have all they list on one line each.
Rights rights_in(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  Rights rights;
  std::string rest = text.str();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find("\n---\n"), rest.size());
    const auto document = parse_yaml(rest.substr(0, end));
    rest = end == rest.size() ? "" : rest.substr(end + 5);
    if (!document) ADD_FAILURE() << describe(document.error());
    if (!document || !document->json().contains("rules")) continue;
    const Json& role = document->json();
    const std::string scope = role["kind"] == "ClusterRole" ? "everywhere " : "own ";
    for (const Json& rule : role["rules"])
      for (const Json& resource : rule["resources"])
        for (const Json& verb : rule["verbs"])
          rights[scope + rule["apiGroups"][0].get<std::string>() + "/" +
                 resource.get<std::string>()]
              .insert(verb.get<std::string>());
  }
  return rights;
}

Rights needed_rights(bool through_api_server) {
  Rights needed;
  for (const AccessNeed& need : needed_access({.agent_ns = "ray-gitops",
                                               .namespaces = {},
                                               .companions = default_companions(),
                                               .through_api_server = through_api_server}))
    needed[(need.ns.empty() ? "everywhere " : "own ") + need.group + "/" + need.resource].insert(
        need.verbs.begin(), need.verbs.end());
  return needed;
}

TEST(Access, that_is_needed_is_what_the_manifests_give) {
  EXPECT_EQ(needed_rights(false), rights_in("deploy/kustomize/rights.yaml"));
  Rights more = rights_in("deploy/kustomize/apiserver-proxy/rights.yaml");
  EXPECT_FALSE(more.empty());
  more.merge(rights_in("deploy/kustomize/rights.yaml"));
  EXPECT_EQ(needed_rights(true), more);
}

TEST(Access, ends_at_the_namespaces_that_the_agent_is_kept_to) {
  const std::vector<AccessNeed> needs = needed_access({.agent_ns = "blue",
                                                       .namespaces = {"blue", "red"},
                                                       .companions = default_companions(),
                                                       .through_api_server = false});
  std::map<std::string, int> by_ns;
  for (const AccessNeed& need : needs) {
    ++by_ns[need.ns];
    EXPECT_NE(need.resource, "namespaces");
  }
  EXPECT_EQ(by_ns.size(), 2U) << "nothing in all namespaces";
  EXPECT_EQ(by_ns["blue"], by_ns["red"] + 1) << "the Lease";
  EXPECT_EQ(by_ns["red"] + 1, static_cast<int>(needed_rights(false).size()) - 1)
      << "what else is asked for everywhere, but Namespaces";
}

TEST(Access, asks_for_a_subresource_as_one) {
  const ApiRequest review = render_access_review({"", "pods/proxy", {"get"}, "", ""}, "get");
  const Json attributes = Json::parse(review.body)["spec"]["resourceAttributes"];
  EXPECT_EQ(attributes, (Json{{"resource", "pods"}, {"subresource", "proxy"}, {"verb", "get"}}));
}

}  // namespace
}  // namespace ray_gitops::kubernetes
