// What of Ray's texts reaches Git.

#include "reconcilers/parent/ray_text.h"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace ray_gitops::parent {
namespace {

TEST(RayText, shows_no_credentials_of_urls) {
  EXPECT_EQ(publishable("OSError: s3://key:se/c@ret@host/x and https://token@host/y"),
            "OSError: s3://***@host/x and https://***@host/y");
  EXPECT_EQ(publishable("https://host/path"), "https://host/path");
}

TEST(RayText, has_no_escape_sequences) {
  EXPECT_EQ(publishable("\x1b[36mValueError\x1b[39m: \x1b]0;title\aboom\x1b"), "ValueError: boom");
  EXPECT_EQ(last_exception("\x1b[36mValueError: x\x1b[0m"), "ValueError: x");
}

TEST(RayText, shows_the_last_exception_and_no_other_line) {
  EXPECT_EQ(last_exception("KeyError: 'first'\npassword=hunter2\nValueError: second\r\nbye\n"),
            "ValueError: second");
  EXPECT_EQ(last_exception("password=hunter2\n  ValueError: indented\n"), "");
}

TEST(RayText, of_any_bytes_is_one_short_printable_line) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    for (const std::string& text :
         {publishable(bytes + std::string(400, 'x')), last_exception("log\nOddError: " + bytes)}) {
      RC_ASSERT(text.size() <= k_ray_text_bytes_max);
      for (const char byte : text) RC_ASSERT(static_cast<unsigned char>(byte) >= 0x20);
    }
  }));
}

}  // namespace
}  // namespace ray_gitops::parent
