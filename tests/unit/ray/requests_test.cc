#include "agent/ray/requests.h"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ray_gitops::ray {
namespace {

HttpRequest rendered(RayVerb verb, const std::string& submission_id) {
  RayRequest request;
  request.verb = verb;
  request.address = "10.0.0.7:8265";
  request.submission_id = submission_id;
  request.body = Document{{{"submission_id", submission_id}, {"entrypoint", "python -V"}}};
  const auto made = render_request(request);
  EXPECT_TRUE(made);
  return made ? *made : HttpRequest{};
}

TEST(Requests, are_those_of_rays_apis) {
  struct Case {
    RayVerb verb;
    std::string line;
    std::string body;
  };
  const Case cases[] = {
      {RayVerb::GetVersion, "GET http://10.0.0.7:8265/api/version", ""},
      {RayVerb::GetJob, "GET http://10.0.0.7:8265/api/jobs/j1", ""},
      {RayVerb::SubmitJob, "POST http://10.0.0.7:8265/api/jobs/",
       R"({"entrypoint":"python -V","submission_id":"j1"})"},
      {RayVerb::StopJob, "POST http://10.0.0.7:8265/api/jobs/j1/stop", ""},
      {RayVerb::GetServe, "GET http://10.0.0.7:8265/api/serve/applications/?api_type=declarative",
       ""},
      {RayVerb::PutServe, "PUT http://10.0.0.7:8265/api/serve/applications/",
       R"({"entrypoint":"python -V","submission_id":"j1"})"}};
  for (const Case& each : cases) {
    const HttpRequest request = rendered(each.verb, "j1");
    EXPECT_EQ(request.method + " " + request.url, each.line);
    EXPECT_EQ(request.body, each.body);
    EXPECT_EQ(request.headers.contains("Content-Type"), !each.body.empty());
  }
}

TEST(Requests, keep_an_id_one_part_of_the_path) {
  EXPECT_EQ(rendered(RayVerb::GetJob, "a/../b?c#d e\xc3\xa9%_.~-Z9").url,
            "http://10.0.0.7:8265/api/jobs/a%2F..%2Fb%3Fc%23d%20e%C3%A9%25_.~-Z9");
}

TEST(Requests, by_the_proxy_are_paths_of_the_api_server) {
  RayRequest request;
  request.verb = RayVerb::GetServe;
  request.address = "10.0.0.7:8265";
  request.head_pod = {ResourceKey{ResourceType::Pod, "team", "demo-head"}};
  EXPECT_EQ(render_proxied_request(request)->url,
            "/api/v1/namespaces/team/pods/demo-head:8265/proxy/api/serve/applications/"
            "?api_type=declarative");
  for (const char* name : {"", "a/b", "..", "a?b", "A", "a:1", "a%2e"}) {
    request.head_pod.name = name;
    EXPECT_FALSE(render_proxied_request(request)) << name;
  }
}

TEST(Requests, by_the_proxy_that_did_not_arrive_are_told_from_answers_of_a_head) {
  const std::string refusal =
      R"({"kind":"Status","apiVersion":"v1","message":"pods \"x\" not found","code":404})";
  EXPECT_EQ(proxy_failure({404, {}, refusal}), R"(the API server says 404: pods "x" not found)");
  EXPECT_EQ(proxy_failure({404, {}, "Job j1 does not exist"}), "");
  EXPECT_EQ(proxy_failure({500, {}, R"({"kind":"Status"})"}), "");
  EXPECT_EQ(proxy_failure({200, {}, refusal}), "");
}

TEST(Origin, is_a_numeric_address_and_a_port) {
  EXPECT_EQ(*render_origin("10.0.0.7:8265"), "http://10.0.0.7:8265");
  EXPECT_EQ(*render_origin("fd00::7:8265"), "http://[fd00::7]:8265");
  using namespace std::string_literals;
  for (const std::string& address :
       {""s, ":"s, ":8265"s, "10.0.0.7"s, "10.0.0.7:"s, "10.0.0.7:0"s, "10.0.0.7:65536"s,
        "10.0.0.7:8265/x"s, "10.0.0.7:+1"s, "10.0.0:8265"s, "head.svc:8265"s, "a@10.0.0.7:8265"s,
        "10.0.0.7@evil:8265"s, "10.0.0.7 :8265"s, "10.0.0.7\0x:8265"s, "[fd00::7]:8265"s,
        "fd00::7%eth0:8265"s, "10.0.0.7:8265\n"s}) {
    const auto origin = render_origin(address);
    ASSERT_FALSE(origin) << address;
    EXPECT_EQ(origin.error().code, ErrorCode::InvalidInput);
  }
}

}  // namespace
}  // namespace ray_gitops::ray
