// What only the local cluster's server has to hold: durability, limits, logs, credentials.
#include <chrono>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "agent/local_cluster/server/open.h"
#include "tests/contract/server_under_test.h"

namespace ray_gitops::contract {
namespace {

using nlohmann::json;

constexpr const char* k_config_maps = "/api/v1/namespaces/default/configmaps";

class LocalServer : public testing::Test {
 protected:
  void SetUp() override {
    if (!server_.is_local()) GTEST_SKIP() << "only of the local cluster";
  }

  Answer send(const std::string& method, const std::string& path, const json& body = {},
              const std::string& content_type = "application/json") {
    return send_request(server_.target(), {.method = method,
                                           .path = path,
                                           .content_type = content_type,
                                           .accept = {},
                                           .body = body.is_null() ? "" : body.dump(),
                                           .token = server_.target().token});
  }

  ServerUnderTest server_;
};

TEST_F(LocalServer, keeps_objects_revisions_and_credentials_over_a_restart) {
  const Answer made = send("POST", k_config_maps, {{"metadata", {{"name", "a"}}}});
  ASSERT_EQ(made.http, 201);
  send("POST", k_config_maps, {{"metadata", {{"name", "b"}}}});
  send("DELETE", std::string(k_config_maps) + "/b");
  const std::string token = server_.target().token;
  server_.restart();
  EXPECT_EQ(server_.target().token, token);
  EXPECT_EQ(send("GET", std::string(k_config_maps) + "/a").body, made.body);
  EXPECT_EQ(send("GET", std::string(k_config_maps) + "/b").http, 404);
  const json list = json::parse(send("GET", k_config_maps).body);
  EXPECT_EQ(list["metadata"]["resourceVersion"], "5");  // two namespaces, a, b, b deleted
}

TEST_F(LocalServer, answers_expired_to_a_watch_from_before_its_start) {
  send("POST", k_config_maps, {{"metadata", {{"name", "a"}}}});
  server_.restart();
  const Answer answer = send("GET", std::string(k_config_maps) + "?watch=1&resourceVersion=1");
  EXPECT_EQ(answer.http, 200);
  const json event = json::parse(answer.body);
  EXPECT_EQ(event["type"], "ERROR");
  EXPECT_EQ(event["object"]["reason"], "Expired");
  EXPECT_EQ(event["object"]["code"], 410);
}

TEST_F(LocalServer, ends_a_watch_with_a_bookmark) {
  const Answer answer = send(
      "GET", std::string(k_config_maps) + "?watch=1&allowWatchBookmarks=true&timeoutSeconds=1");
  const json event = json::parse(answer.body);
  EXPECT_EQ(event["type"], "BOOKMARK");
  EXPECT_EQ(event["object"], json::parse(R"({"kind":"ConfigMap","apiVersion":"v1",
                                             "metadata":{"resourceVersion":"2"}})"));
}

TEST_F(LocalServer, refuses_bodies_that_are_too_large) {
  const json body{{"metadata", {{"name", "a"}}},
                  {"data", {{"x", std::string(4UL * 1024 * 1024, 'x')}}}};
  // The server answers before it has read all; a client still sending may see only the close.
  const int http = send("POST", k_config_maps, body).http;
  EXPECT_TRUE(http == 413 || http == 0) << http;
  EXPECT_EQ(send("GET", std::string(k_config_maps) + "/a").http, 404);
}

TEST_F(LocalServer, refuses_more_watches_than_its_limit) {
  server_.restart({.watches_max = 0});
  const Answer answer = send("GET", std::string(k_config_maps) + "?watch=1&timeoutSeconds=1");
  EXPECT_EQ(answer.http, 429);
  EXPECT_EQ(json::parse(answer.body)["reason"], "TooManyRequests");
}

TEST_F(LocalServer, closes_the_watch_of_a_client_that_does_not_read) {
  server_.restart({.stream_buffer_bytes_max = 256UL * 1024});
  const std::string path = std::string(k_config_maps) + "/big";
  send("POST", k_config_maps, {{"metadata", {{"name", "big"}}}});
  SlowReader reader(server_.target(), std::string(k_config_maps) + "?watch=1&timeoutSeconds=40");
  ASSERT_TRUE(reader.wait_for_first_bytes());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  // What the sockets take counts as read, so it is more than the limit that must be written.
  for (int round = 0; round < 24 && std::chrono::steady_clock::now() < deadline; ++round)
    send("PATCH", path,
         {{"data", {{"x", std::string(900UL * 1024, static_cast<char>('a' + round % 26))}}}},
         "application/merge-patch+json");
  EXPECT_FALSE(reader.read_to_the_end());
  EXPECT_EQ(send("GET", path).http, 200);
}

TEST_F(LocalServer, refuses_what_is_not_json) {
  const Answer answer = send_request(server_.target(), {.method = "POST",
                                                        .path = k_config_maps,
                                                        .content_type = "application/json",
                                                        .accept = {},
                                                        .body = "{\"a\":",
                                                        .token = server_.target().token});
  EXPECT_EQ(answer.http, 400);
  EXPECT_EQ(send("POST", k_config_maps, {{"a", 1}}, "application/vnd.kubernetes.protobuf").http,
            415);
}

TEST_F(LocalServer, tells_everybody_that_it_is_ready_and_nothing_else) {
  Request request{.method = "GET",
                  .path = "/readyz",
                  .content_type = {},
                  .accept = {},
                  .body = {},
                  .token = {}};
  EXPECT_EQ(send_request(server_.target(), request).http, 200);
  for (const char* path : {"/version", "/api", k_config_maps}) {
    request.path = path;
    EXPECT_EQ(send_request(server_.target(), request).http, 401) << path;
  }
}

TEST_F(LocalServer, sends_the_log_of_a_container_and_its_last_lines) {
  std::ofstream(server_.log_path()) << "one\ntwo\nthree\n";
  const json pod{{"metadata", {{"name", "p"}}},
                 {"spec", {{"containers", {{{"name", "main"}, {"image", "i"}}}}}}};
  send("POST", "/api/v1/namespaces/default/pods", pod);
  const std::string path = "/api/v1/namespaces/default/pods/p/log";
  EXPECT_EQ(send("GET", path).body, "one\ntwo\nthree\n");
  EXPECT_EQ(send("GET", path + "?tailLines=2").body, "two\nthree\n");
  EXPECT_EQ(send("GET", path + "?tailLines=0").body, "");
  EXPECT_EQ(send("GET", path + "?tailLines=9").body, "one\ntwo\nthree\n");
  EXPECT_EQ(send("GET", path + "?container=other").http, 400);
  EXPECT_EQ(send("GET", path + "?previous=true").http, 400);
}

TEST_F(LocalServer, lets_only_one_process_have_its_state) {
  const std::string directory = server_.log_path().substr(0, server_.log_path().rfind('/'));
  const auto second = local_cluster::open_store(directory + "/state", WallTime{});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::Unavailable);
}

TEST_F(LocalServer, writes_a_kubeconfig_for_its_owner_only) {
  const std::string path = server_.log_path() + ".kubeconfig";
  ASSERT_TRUE(local_cluster::write_kubeconfig(path, "https://127.0.0.1:1", {"secret", {"c", "k"}}));
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

}  // namespace
}  // namespace ray_gitops::contract
