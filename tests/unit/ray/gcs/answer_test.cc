#include "agent/ray/gcs/answer.h"

#include <string>

#include <gtest/gtest.h>

namespace ray_gitops::ray {
namespace {

using namespace std::string_literals;

HttpResponse ok(std::string body) {
  return {200, {{"content-type", "application/grpc"}, {"grpc-status", "0"}}, std::move(body)};
}

HttpResponse failed(const std::string& status, const std::string& message = {}) {
  HttpResponse response = ok({});
  response.headers["grpc-status"] = status;
  if (!message.empty()) response.headers["grpc-message"] = message;
  return response;
}

TEST(GcsAnswer, is_the_message_behind_its_prefix) {
  const HttpResponse empty = ok("\0\0\0\0\0"s);
  EXPECT_EQ(message_of(empty).value(), "");
  const HttpResponse two = ok("\0\0\0\0\2ab"s);
  EXPECT_EQ(message_of(two).value(), "ab");
}

TEST(GcsAnswer, must_be_one_whole_uncompressed_message) {
  for (const std::string& body :
       {""s, "\0\0\0\0"s, "\1\0\0\0\2ab"s, "\0\0\0\0\3ab"s, "\0\0\0\0\1ab"s, "\0\xff\xff\xff\xff"s,
        "\0\0\0\0\0\0\0\0\0\0"s}) {
    const auto message = message_of(ok(body));
    ASSERT_FALSE(message);
    EXPECT_EQ(message.error().code, ErrorCode::Unavailable);
  }
}

TEST(GcsAnswer, without_a_status_was_cut) {
  HttpResponse response = ok("\0\0\0\0\2ab"s);
  for (const char* status : {"", "x", "0x", "0, 0", "99999999999"}) {
    response.headers["grpc-status"] = status;
    const auto message = message_of(response);
    ASSERT_FALSE(message) << status;
    EXPECT_EQ(message.error().code, ErrorCode::Unavailable);
  }
  response.headers.erase("grpc-status");
  EXPECT_FALSE(message_of(response));
}

TEST(GcsAnswer, of_something_else_is_none) {
  HttpResponse response = ok("\0\0\0\0\0"s);
  response.status = 503;
  EXPECT_EQ(message_of(response).error().code, ErrorCode::Unavailable);
  response.status = 200;
  response.headers["content-type"] = "text/html";
  EXPECT_EQ(message_of(response).error().code, ErrorCode::Unavailable);
}

TEST(GcsAnswer, with_a_status_is_an_error_of_its_kind) {
  const std::pair<const char*, ErrorCode> cases[] = {
      {"1", ErrorCode::Unavailable},  {"3", ErrorCode::Rejected},
      {"4", ErrorCode::Unavailable},  {"7", ErrorCode::Forbidden},
      {"12", ErrorCode::NotFound},    {"13", ErrorCode::Unavailable},
      {"14", ErrorCode::Unavailable}, {"16", ErrorCode::Unauthenticated},
      {"-1", ErrorCode::Unavailable}, {"77", ErrorCode::Unavailable}};
  for (const auto& [status, code] : cases)
    EXPECT_EQ(message_of(failed(status)).error().code, code) << status;
}

TEST(GcsAnswer, shows_the_heads_words_short_and_harmless) {
  const Error error = message_of(failed("16", "Wrong%0AToken %zz %4")).error();
  EXPECT_EQ(error.message, "the head asks for a token (gRPC status 16): Wrong\\x0aToken %zz %4");
  EXPECT_LT(message_of(failed("2", std::string(60'000, 'a'))).error().message.size(), 400U);
}

}  // namespace
}  // namespace ray_gitops::ray
