#include "agent/kubernetes/made_token.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/kubernetes/client.h"
#include "reconcilers/manifest/compression.h"
#include "tests/unit/loop/loopback_server.h"
#include "tests/unit/loop/run_until.h"

namespace ray_gitops::kubernetes {
namespace {

const Document k_secret{
    nlohmann::json{{"kind", "Secret"}, {"data", {{"auth_token", ""}, {"other", "eA=="}}}}};

// What a pod gets.
std::string token_of(const Document& secret) {
  return base64_decode(secret.json()["data"]["auth_token"].get<std::string>()).value_or("");
}

TEST(MadeToken, is_a_line_of_text_from_32_bytes) {
  const Document made = with_made_tokens(k_secret).value();
  EXPECT_EQ(base64_decode(token_of(made)).value_or("").size(), 32U);
  EXPECT_EQ(made.json()["data"]["other"], "eA==") << "what has a value keeps it";
  EXPECT_EQ(made.json()["kind"], "Secret");
}

TEST(MadeToken, is_another_one_each_time) {
  EXPECT_NE(token_of(with_made_tokens(k_secret).value()),
            token_of(with_made_tokens(k_secret).value()));
}

// `data` as the server gets it.
nlohmann::json sent_data(bool makes_token) {
  Loop loop;
  test::LoopbackServer server(
      loop, [](const test::SeenRequest& request, const std::shared_ptr<test::Exchange>& exchange) {
        exchange->answer(201, request.body);
      });
  ClientOptions options;
  options.connection.server = server.url();
  bool answered = false;
  KubernetesClient client(loop, options, [&](const engine::Event&) { answered = true; });
  Action create{.verb = Verb::Create,
                .target = {ResourceType::Secret, "default", "demo"},
                .body = k_secret,
                .preconditions = {},
                .wave = 0,
                .reason = {},
                .force = false,
                .makes_token = makes_token};
  client.send_write({1, create});
  EXPECT_TRUE(test::run_until(loop, [&] { return answered; }));
  return nlohmann::json::parse(server.requests().at(0).body)["data"];
}

TEST(MadeToken, is_what_the_server_gets_and_nobody_before) {
  EXPECT_EQ(sent_data(false), k_secret.json()["data"]);
  EXPECT_GT(sent_data(true)["auth_token"].get<std::string>().size(), 40U);
}

}  // namespace
}  // namespace ray_gitops::kubernetes
