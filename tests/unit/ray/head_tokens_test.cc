#include "agent/ray/head_tokens.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/manifest/compression.h"
#include "tests/unit/loop/run_until.h"

namespace ray_gitops::ray {
namespace {

const ResourceKey k_secret{ResourceType::Secret, "team", "demo"};

HttpResponse secret_with(const std::string& token) {
  const nlohmann::json secret{{"data", {{"auth_token", base64_encode(token)}}}};
  return {200, {}, secret.dump()};
}

// The API server is asked in so many words, and answers when the test says so.
struct Rig {
  void find(const ResourceKey& secret = k_secret) {
    tokens.find(secret, [this](const Result<std::string>& token) {
      answers.push_back(token ? *token : describe(token.error()));
    });
  }
  void answer(const Result<HttpResponse>& response) {
    const HttpHandlers handlers = std::move(asked.back().second);
    asked.back().second = {};
    handlers.on_done(response);
  }
  void wait(Duration time) {
    const Instant end = loop.now().monotonic + time;
    test::run_until(loop, [&] { return loop.now().monotonic >= end; });
  }

  Loop loop;
  std::vector<std::pair<std::string, HttpHandlers>> asked;
  HeadTokens tokens{loop, [this](const HttpRequest& request, HttpHandlers handlers) {
                      asked.emplace_back(request.method + " " + request.url, std::move(handlers));
                    }};
  std::vector<std::string> answers;
};

TEST(HeadTokens, are_read_once_however_many_ask) {
  Rig rig;
  rig.find();
  rig.find();
  ASSERT_EQ(rig.asked.size(), 1U);
  EXPECT_EQ(rig.asked[0].first, "GET /api/v1/namespaces/team/secrets/demo");
  EXPECT_TRUE(rig.answers.empty());
  rig.answer(secret_with("sesame"));
  rig.find();
  EXPECT_EQ(rig.answers, (std::vector<std::string>{"sesame", "sesame", "sesame"}));
  EXPECT_EQ(rig.asked.size(), 1U);
}

TEST(HeadTokens, are_each_of_their_own_secret) {
  Rig rig;
  rig.find();
  rig.answer(secret_with("sesame"));
  rig.find({ResourceType::Secret, "other", "demo"});
  rig.answer(secret_with("other"));
  EXPECT_EQ(rig.answers, (std::vector<std::string>{"sesame", "other"}));
}

TEST(HeadTokens, that_a_head_refused_are_read_anew_after_a_while) {
  Rig rig;
  rig.find();
  rig.answer(secret_with("old"));
  rig.tokens.forget(k_secret);
  rig.find();
  EXPECT_EQ(rig.answers.back(), "old") << "read again at once";
  rig.wait(k_token_pause);
  rig.find();
  ASSERT_EQ(rig.asked.size(), 2U);
  rig.answer(secret_with("new"));
  EXPECT_EQ(rig.answers.back(), "new");
}

TEST(HeadTokens, that_are_not_there_are_looked_for_again_after_a_while) {
  Rig rig;
  rig.find();
  rig.answer(HttpResponse{404, {}, ""});
  rig.find();
  EXPECT_EQ(rig.asked.size(), 1U);
  EXPECT_EQ(rig.answers.back(),
            "the head's token cannot be had from Secret/team/demo: it does not exist");
  rig.wait(k_token_pause);
  rig.find();
  ASSERT_EQ(rig.asked.size(), 2U);
  rig.answer(secret_with("sesame"));
  EXPECT_EQ(rig.answers.back(), "sesame");
}

TEST(HeadTokens, are_not_asked_for_by_what_is_no_name) {
  Rig rig;
  for (const char* name : {"", "../demo", "a/b", "Demo", "demo?x"})
    rig.find({ResourceType::Secret, "team", name});
  EXPECT_TRUE(rig.asked.empty());
  EXPECT_EQ(rig.answers.size(), 5U);
}

TEST(HeadTokens, are_what_goes_into_a_header) {
  const auto found = [](const Result<HttpResponse>& response) {
    Rig rig;
    rig.find();
    rig.answer(response);
    return rig.answers.at(0);
  };
  EXPECT_EQ(found(secret_with("sesame")), "sesame");
  EXPECT_EQ(found(secret_with(" sesame\r\n")), "sesame") << "as Ray reads it";
  const std::string k_no_token = "its auth_token is no line of visible ASCII characters";
  for (const std::string token : {"", " ", "a\r\nX-Evil: 1", "a b", "\x7f", "\xc3\xa9"})
    EXPECT_TRUE(found(secret_with(token)).ends_with(k_no_token)) << found(secret_with(token));
  EXPECT_TRUE(found(secret_with(std::string(5'000, 'x'))).ends_with(k_no_token));
  EXPECT_TRUE(
      found(HttpResponse{200, {}, R"({"data":{"auth_token":"%%"}})"}).ends_with(k_no_token));
  EXPECT_TRUE(found(HttpResponse{200, {}, R"({"data":{}})"}).ends_with("it has no key auth_token"));
  EXPECT_TRUE(found(HttpResponse{200, {}, "{"}).ends_with("is no JSON"));
  EXPECT_TRUE(found(HttpResponse{403, {}, ""}).ends_with("the agent may not read it"));
  EXPECT_TRUE(found(HttpResponse{500, {}, ""}).ends_with("status 500"));
  EXPECT_TRUE(found(fail(ErrorCode::Unavailable, "cut")).ends_with("cut"));
}

TEST(HeadTokens, that_are_remembered_have_a_limit) {
  Rig rig;
  for (std::size_t count = 0; count <= k_tokens_max; ++count) {
    rig.find({ResourceType::Secret, "team", "demo-" + std::to_string(count)});
    rig.answer(secret_with("sesame"));
  }
  EXPECT_EQ(rig.asked.size(), k_tokens_max + 1);
  rig.find({ResourceType::Secret, "team", "demo-0"});
  EXPECT_EQ(rig.asked.size(), k_tokens_max + 2) << "the first one made room";
}

}  // namespace
}  // namespace ray_gitops::ray
