#include "reconcilers/model/time.h"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace ray_gitops {
namespace {

TEST(Rfc3339, is_written_in_whole_seconds_of_utc) {
  EXPECT_EQ(to_rfc3339({0}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_rfc3339({1767323045000}), "2026-01-02T03:04:05Z");
  EXPECT_EQ(to_rfc3339({1767323045999}), "2026-01-02T03:04:05Z");
  EXPECT_EQ(to_rfc3339({951782399000}), "2000-02-28T23:59:59Z");
}

TEST(Rfc3339, of_a_time_before_1970_is_rounded_down_too) {
  EXPECT_EQ(to_rfc3339({-1}), "1969-12-31T23:59:59Z");
}

TEST(Rfc3339, is_read_with_fractions_cut) {
  EXPECT_EQ(parse_rfc3339("2026-01-02T03:04:05Z")->milliseconds, 1767323045000);
  EXPECT_EQ(parse_rfc3339("2026-01-02T03:04:05.999999Z")->milliseconds, 1767323045000);
}

TEST(Rfc3339, knows_leap_days_and_leap_seconds) {
  EXPECT_TRUE(parse_rfc3339("2024-02-29T00:00:00Z"));
  EXPECT_FALSE(parse_rfc3339("2026-02-29T00:00:00Z"));
  EXPECT_EQ(to_rfc3339(*parse_rfc3339("2016-12-31T23:59:60Z")), "2017-01-01T00:00:00Z");
}

TEST(Rfc3339, refuses_anything_else) {
  for (const char* text : {"",
                           "Z",
                           "2026-01-02",
                           "2026-01-02T03:04:05",
                           "2026-01-02T03:04:05+00:00",
                           "2026-01-02 03:04:05Z",
                           "2026-13-02T03:04:05Z",
                           "2026-00-02T03:04:05Z",
                           "2026-01-32T03:04:05Z",
                           "2026-01-00T03:04:05Z",
                           "2026-01-02T24:04:05Z",
                           "2026-01-02T03:60:05Z",
                           "2026-01-02T03:04:61Z",
                           "-026-01-02T03:04:05Z",
                           "2026-01-02T-3:04:05Z",
                           "+026-01-02T03:04:05Z",
                           "2026-01-02T03:04: 5Z",
                           "2026-01-02T03:04:05+02:00Z",
                           "2026-01-02T03:04:05anythingZ",
                           "2026-01-02T03:04:05.Z",
                           "2026-01-02T03:04:05.1x2Z",
                           "2026-01-02T03:04:05Z\n",
                           "02026-01-02T03:04:05Z"})
    EXPECT_FALSE(parse_rfc3339(text)) << text;
}

TEST(Rfc3339, reads_back_what_it_writes) {
  EXPECT_TRUE(rc::check([] {
    const auto seconds = *rc::gen::inRange<std::int64_t>(-62135596800, 253402300800);
    const WallTime time{seconds * 1000};
    const auto read = parse_rfc3339(to_rfc3339(time));
    RC_ASSERT(read.has_value());
    RC_ASSERT(*read == time);
  }));
}

TEST(Rfc3339, gives_an_answer_for_any_bytes) {
  EXPECT_TRUE(rc::check([](const std::string& text) { static_cast<void>(parse_rfc3339(text)); }));
}

TEST(Time, is_added_to_and_compared) {
  EXPECT_EQ(Instant{1000} + std::chrono::seconds(2), Instant{3000});
  EXPECT_EQ(Instant{3000} - Instant{1000}, Duration{2000});
  EXPECT_EQ(WallTime{1000} + std::chrono::minutes(1), WallTime{61000});
  EXPECT_LT(WallTime{1}, WallTime{2});
}

}  // namespace
}  // namespace ray_gitops
