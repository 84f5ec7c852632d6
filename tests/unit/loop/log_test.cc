#include "agent/log/log.h"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace ray_gitops::log {
namespace {

std::string written(Format format, Level level, const std::string& message, const Fields& fields) {
  configure(Level::Info, format);
  testing::internal::CaptureStderr();
  write(level, message, fields);
  return testing::internal::GetCapturedStderr();
}

std::string after_time(const std::string& line) { return line.substr(line.find("Z") + 1); }

TEST(Redact, masks_credentials_and_nothing_else) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"https://user:pa@ss@host/a@b", "https://***@host/a@b"},
      {"https://host/a@b", "https://host/a@b"},
      {"ssh://git@host", "ssh://***@host"},
      {"Authorization: bearer ab.c-_~+/== end", "Authorization: bearer *** end"},
      {"authorization: Basic dXNlcjpwYXNz", "authorization: Basic ***"},
      {"Basic manners", "Basic manners"},
      {"token=ghp_0123abc,ghs_x glpat-12-34", "token=ghp_***,ghs_*** glpat-***"},
      {"github_pat_11AA_bb!", "github_pat_***!"},
      {"Bearer ", "Bearer "},
      {"://", "://"},
      {"", ""}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(redact(text), expected);
}

TEST(Log, writes_json_with_its_fields_on_one_line) {
  const std::string line =
      written(Format::Json, Level::Warning, "two\nlines", {{"key", "a\"b\x1b[31m"}});
  EXPECT_EQ(after_time(line),
            R"(","level":"warning","message":"two\\x0alines","key":"a\"b\\x1b[31m"})"
            "\n");
}

TEST(Log, writes_for_people_without_colours_when_it_is_no_terminal) {
  EXPECT_EQ(after_time(written(Format::Human, Level::Info, "hello", {{"key", "a b"}})),
            " info hello key=\"a b\"\n");
}

TEST(Log, masks_secrets_in_message_and_fields) {
  const std::string line = written(Format::Json, Level::Error, "Bearer abc",
                                   {{"url", "https://u:hunter2@host"}, {"t", "ghp_hunter2"}});
  EXPECT_EQ(line.find("hunter2"), std::string::npos);
  EXPECT_EQ(line.find("abc"), std::string::npos);
}

TEST(Log, keeps_quiet_below_its_level) {
  EXPECT_EQ(written(Format::Json, Level::Debug, "hidden", {}), "");
}

TEST(Log, bounds_a_record) {
  const Fields fields(100, {"field", std::string(100'000, 'x')});
  const std::string line = written(Format::Json, Level::Info, std::string(100'000, 'm'), fields);
  EXPECT_LT(line.size(), k_log_fields_bytes_max + 2 * k_log_text_bytes_max);
  EXPECT_NE(line.find("\"truncated\":\"true\""), std::string::npos);
}

}  // namespace
}  // namespace ray_gitops::log
