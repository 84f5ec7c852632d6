#include "agent/kubernetes/watch_stream.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace ray_gitops::kubernetes {
namespace {

TEST(LineSplitter, gives_the_same_lines_however_the_bytes_are_cut) {
  const std::string text = "first\n\nsecond line\nthird\nno end";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    LineSplitter splitter;
    std::vector<std::string> lines;
    for (std::size_t from = 0; from < text.size(); from += size)
      EXPECT_TRUE(splitter.append(text.substr(from, size), [&](std::string_view line) {
        lines.emplace_back(line);
        return true;
      }));
    EXPECT_EQ(lines, (std::vector<std::string>{"first", "second line", "third"})) << size;
    EXPECT_EQ(splitter.waiting(), 6U);
  }
}

TEST(LineSplitter, stops_at_a_line_over_the_limit_and_when_told) {
  LineSplitter splitter;
  const auto accept = [](std::string_view) { return true; };
  EXPECT_TRUE(splitter.append(std::string(k_watch_line_bytes_max, 'x'), accept));
  EXPECT_FALSE(splitter.append("y", accept));
  EXPECT_TRUE(splitter.too_long());
  LineSplitter other;
  int lines = 0;
  EXPECT_FALSE(other.append("a\nb\n", [&](std::string_view) { return ++lines == 0; }));
  EXPECT_EQ(lines, 1);
}

TEST(ParseWatchLine, gives_an_error_for_everything_that_is_no_event) {
  for (const char* line : {"", "{", "null", "7", "[]", "{}", R"({"type":7,"object":{}})",
                           R"({"type":"ADDED"})", R"({"type":"ADDED","object":{"metadata":{}}})",
                           R"({"type":"ODD","object":{}})", R"({"type":"BOOKMARK","object":{}})",
                           R"({"type":"ERROR"})", R"({"type":"ERROR","object":{"code":"410"}})",
                           R"({"type":"ERROR","object":{"code":99999999999}})"}) {
    const auto event = parse_watch_line(ResourceType::Pod, line);
    ASSERT_FALSE(event) << line;
    EXPECT_EQ(event.error().code, ErrorCode::Unavailable) << line;
  }
  std::string deep = R"({"type":"ADDED","object":)" + std::string(100'000, '[');
  EXPECT_FALSE(parse_watch_line(ResourceType::Pod, deep));
  EXPECT_FALSE(parse_watch_line(ResourceType::Pod, deep + std::string(100'000, ']') + "}"));
}

TEST(ParseWatchLine, knows_expired) {
  const auto event =
      parse_watch_line(ResourceType::Pod,
                       R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired",)"
                       R"("message":"old"}})");
  ASSERT_FALSE(event);
  EXPECT_EQ(event.error().code, ErrorCode::Expired);
  EXPECT_EQ(event.error().message, "old");
}

TEST(ParseWatchLine, takes_a_version_that_the_server_has_not_reached_for_expired) {
  const auto event =
      parse_watch_line(ResourceType::Pod,
                       R"({"type":"ERROR","object":{"kind":"Status","code":504,"reason":"Timeout",)"
                       R"("message":"Timeout: Too large resource version: 999, current: 265",)"
                       R"("details":{"causes":[{"reason":"ResourceVersionTooLarge"}]}}})");
  ASSERT_FALSE(event);
  EXPECT_EQ(event.error().code, ErrorCode::Expired);
}

}  // namespace
}  // namespace ray_gitops::kubernetes
