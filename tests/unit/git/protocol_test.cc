#include "agent/git/protocol.h"

#include <string_view>

#include <gtest/gtest.h>

namespace ray_gitops::git {
namespace {

std::string_view body_of(const std::string& frame) {
  return std::string_view(frame).substr(k_frame_length_bytes);
}

// Every job and answer, encoded; each field with a value of its own.
std::vector<std::string> jobs() {
  const Remote remote{"https://host/x", "/cache", {"user", "/user", "/token"}, "/ca", Duration{5}};
  const std::string bytes("\0\xFF\n", 3);
  return {encode_job({remote, ListRequest{"main", "status"}}),
          encode_job({remote, LoadRequest{"main", "prod", "c", "a", {"b1", "b2"}}}),
          encode_job({remote, LoadStatusRequest{"status", std::nullopt}}),
          encode_job({remote, LoadStatusRequest{"status", "tip"}}),
          encode_job(
              {remote, PublishRequest{"status", "tip", {{"path", bytes}}, "m", "n", "e", {-7}}})};
}

std::vector<std::string> answers() {
  engine::SourceTree tree{
      .commit = "c", .message = "m", .files = {}, .descends_from_accepted = false};
  tree.files = {{"a", "id", "content", ""}, {"b", "id", std::nullopt, "refused"}};
  return {encode_answer(Answer(engine::RemoteTips{.source = "s", .status = std::nullopt})),
          encode_answer(Answer(tree)),
          encode_answer(Answer(engine::StatusTree{"tip", {{"p", "c"}}, 7})),
          encode_answer(Answer(std::string("tip"))),
          encode_answer(fail(ErrorCode::Rejected, "message", "where"))};
}

TEST(Protocol, what_is_decoded_encodes_to_the_same_bytes) {
  for (const std::string& frame : jobs()) {
    const auto job = decode_job(body_of(frame));
    ASSERT_TRUE(job);
    EXPECT_EQ(encode_job(*job), frame);
  }
  for (const std::string& frame : answers())
    EXPECT_EQ(encode_answer(decode_answer(body_of(frame))), frame);
}

TEST(Protocol, keeps_every_field) {
  const auto job = decode_job(body_of(jobs()[4]));
  ASSERT_TRUE(job);
  EXPECT_EQ(job->remote.credentials.username, "user");
  EXPECT_EQ(job->remote.credentials.username_file, "/user");
  EXPECT_EQ(job->remote.credentials.token_file, "/token");
  EXPECT_EQ(job->remote.certificate_authority_file, "/ca");
  EXPECT_EQ(job->remote.stall_max, Duration{5});
  const auto& request = std::get<PublishRequest>(job->request);
  EXPECT_EQ(request.files.at("path"), std::string("\0\xFF\n", 3));
  EXPECT_EQ(request.time.milliseconds, -7);
  const auto error = decode_answer(body_of(answers()[4])).error();
  EXPECT_EQ(error.code, ErrorCode::Rejected);
  EXPECT_EQ(describe(error), "where: message");
}

TEST(Protocol, a_frame_that_is_cut_or_changed_is_refused_or_read_but_never_more) {
  for (const std::string& frame : answers()) {
    const std::string_view body = body_of(frame);
    for (std::size_t size = 0; size < body.size(); ++size) {
      const auto answer = decode_answer(body.substr(0, size));
      ASSERT_FALSE(answer);
      EXPECT_EQ(answer.error().code, ErrorCode::Unavailable);
    }
    EXPECT_FALSE(decode_answer(std::string(body) + "x"));
    for (std::size_t at = 0; at < body.size(); ++at) {
      std::string changed(body);
      changed[at] = '\xFF';
      (void)decode_answer(changed);
    }
  }
}

TEST(Protocol, limits_the_length_of_a_frame) {
  EXPECT_EQ(decode_frame_length(std::string("\5\0\0\0\0\0\0\0", 8)).value(), 5U);
  EXPECT_EQ(decode_frame_length(std::string(8, '\xFF')).error().code, ErrorCode::LimitExceeded);
}

}  // namespace
}  // namespace ray_gitops::git
