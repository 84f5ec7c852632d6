#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "reconcilers/model/diagnostic.h"

namespace ray_gitops {
namespace {

using namespace std::string_literals;

TEST(Printable, leaves_text_alone) {
  EXPECT_EQ(printable("plain text, Zürich, 日本, 🟢"), "plain text, Zürich, 日本, 🟢");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, shows_what_a_terminal_would_obey) {
  EXPECT_EQ(printable("one\ntwo\r\tthree"), "one\\x0atwo\\x0d\\x09three");
  EXPECT_EQ(printable("\x1b[31mred\x1b[0m"), "\\x1b[31mred\\x1b[0m");
  EXPECT_EQ(printable("a\0b\x7f"s), "a\\x00b\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m");
}

TEST(Printable, shows_line_and_paragraph_separators) {
  EXPECT_EQ(printable("one\u2028two\u2029"), "one\\xe2\\x80\\xa8two\\xe2\\x80\\xa9");
}

TEST(Printable, shows_what_turns_the_direction_of_text) {
  EXPECT_EQ(printable("a\u202eb\u2066c"), "a\\xe2\\x80\\xaeb\\xe2\\x81\\xa6c");
}

TEST(Printable, shows_bytes_that_are_no_utf8) {
  EXPECT_EQ(printable("a\xff\x80z"), "a\\xff\\x80z");
  EXPECT_EQ(printable("\x9b"
                      "31m"),
            "\\x9b31m");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");                    // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // past U+10FFFF
  EXPECT_EQ(printable("cut \xe2\x82"), "cut \\xe2\\x82");
}

TEST(Printable, cuts_in_the_middle) {
  const std::string shown = printable(std::string(600, 'a') + std::string(600, 'z'), 101);
  EXPECT_EQ(shown.size(), 101U);
  EXPECT_EQ(shown, std::string(48, 'a') + " ... " + std::string(48, 'z'));
}

TEST(Printable, never_cuts_a_character_in_two) {
  std::string text;
  for (int count = 0; count < 200; ++count) text += "é";
  for (std::size_t limit = 0; limit < 64; ++limit) {
    const std::string shown = printable(text, limit);
    EXPECT_LE(shown.size(), limit);
    EXPECT_EQ(printable(shown, 1024), shown) << limit;
  }
}

TEST(Printable, of_any_bytes_is_one_line_within_its_limit) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    const auto limit = static_cast<std::size_t>(*rc::gen::inRange(0, 200));
    const std::string shown = printable(text, limit);
    RC_ASSERT(shown.size() <= limit);
    for (const char character : shown) RC_ASSERT(static_cast<unsigned char>(character) >= 0x20U);
    RC_ASSERT(printable(shown, 200) == shown);
  }));
}

TEST(Diagnostic, is_one_line_whatever_it_quotes) {
  const Diagnostic diagnostic{.severity = Severity::Error,
                              .path = "a\nb.yaml",
                              .line = 3,
                              .column = 7,
                              .rule = "UnknownField",
                              .found = "`x\x1b[2J`",
                              .write = "remove it"};
  EXPECT_EQ(to_string(diagnostic), "a\\x0ab.yaml:3:7 UnknownField: `x\\x1b[2J`; remove it");
}

TEST(Diagnostic, about_a_whole_file_has_no_line) {
  Diagnostic diagnostic;
  diagnostic.path = "a.yaml";
  diagnostic.rule = "FileTooLarge";
  diagnostic.found = "2 MiB";
  EXPECT_EQ(to_string(diagnostic), "a.yaml FileTooLarge: 2 MiB");
}

}  // namespace
}  // namespace ray_gitops
