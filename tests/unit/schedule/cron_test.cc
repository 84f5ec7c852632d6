// Cron expressions: which are read, and when they come.

#include "reconcilers/schedule/cron.h"

#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "reconcilers/schedule/time_zone.h"

namespace ray_gitops::test {
namespace {

using schedule::Cron;
using schedule::parse_cron;
using schedule::TimeZone;

// The next times after `after` in the zone, in UTC.
std::vector<std::string> next_times(const std::string& text, const std::string& zone,
                                    const std::string& after, int count) {
  const Cron cron = parse_cron(text).value();
  WallTime time = parse_rfc3339(after).value();
  std::vector<std::string> times;
  for (int index = 0; index < count; ++index) {
    const auto next = TimeZone::find(zone).value().next(cron, time);
    if (!next) break;
    times.push_back(to_rfc3339(*next));
    time = *next;
  }
  return times;
}

std::string what_is_wrong(const std::string& text) {
  const Result<Cron> cron = parse_cron(text);
  return cron ? "nothing" : cron.error().message;
}

using Times = std::vector<std::string>;

TEST(Cron, comes_at_each_time_that_all_fields_let_through) {
  EXPECT_EQ(next_times("30 8 * * 1-5", "UTC", "2026-11-27T08:30:00Z", 2),
            (Times{"2026-11-30T08:30:00Z", "2026-12-01T08:30:00Z"}));
  EXPECT_EQ(next_times("*/20 9,17 * * *", "", "2026-11-27T09:20:30Z", 3),
            (Times{"2026-11-27T09:40:00Z", "2026-11-27T17:00:00Z", "2026-11-27T17:20:00Z"}));
  EXPECT_EQ(next_times("5/30 0 * jan,feb ?", "UTC", "2026-02-28T00:05:00Z", 2),
            (Times{"2026-02-28T00:35:00Z", "2027-01-01T00:05:00Z"}));
  EXPECT_EQ(next_times("0 0 29 2 *", "UTC", "2026-11-27T00:00:00Z", 1),
            (Times{"2028-02-29T00:00:00Z"}));
  EXPECT_EQ(next_times("@weekly", "UTC", "2026-11-27T00:00:00Z", 1),
            (Times{"2026-11-29T00:00:00Z"}));
  EXPECT_EQ(next_times("0 0 * * 7", "UTC", "2026-11-27T00:00:00Z", 1),
            (Times{"2026-11-29T00:00:00Z"}));
}

TEST(Cron, needs_one_of_day_and_weekday_when_both_are_named) {
  EXPECT_EQ(next_times("0 12 1 * MON", "UTC", "2026-11-27T00:00:00Z", 3),
            (Times{"2026-11-30T12:00:00Z", "2026-12-01T12:00:00Z", "2026-12-07T12:00:00Z"}));
}

TEST(Cron, follows_local_time_through_the_changes_of_the_clock) {
  // Berlin goes forward from 2:00 to 3:00, and back from 3:00 to 2:00.
  EXPECT_EQ(next_times("0 8 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 2),
            (Times{"2026-03-28T07:00:00Z", "2026-03-29T06:00:00Z"}));
  EXPECT_EQ(next_times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
            (Times{"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}));
  EXPECT_EQ(next_times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            (Times{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}));
}

TEST(Cron, says_which_field_is_wrong) {
  EXPECT_EQ(what_is_wrong("* * * *"),
            "it has 4 fields; minute, hour, day of the month, month and day of the week are five");
  EXPECT_EQ(what_is_wrong("60 * * * *"),
            "the minute `60` is no value, range or step within 0 to 59");
  EXPECT_EQ(what_is_wrong("0 1-25 * * *"),
            "the hour `1-25` is no value, range or step within 0 to 23");
  EXPECT_EQ(what_is_wrong("0 0 0 * *"),
            "the day of the month `0` is no value, range or step within 1 to 31");
  EXPECT_EQ(what_is_wrong("0 0 * foo *"),
            "the month `foo` is no value, range or step within 1 to 12");
  EXPECT_EQ(what_is_wrong("0 0 * * 5-2"),
            "the day of the week `5-2` is no value, range or step within 0 to 7");
  EXPECT_EQ(what_is_wrong("*/0 * * * *"),
            "the minute `*/0` is no value, range or step within 0 to 59");
  EXPECT_EQ(what_is_wrong("1, * * * *"), "the minute `` is no value, range or step within 0 to 59");
  EXPECT_EQ(what_is_wrong("0 0 30 2 *"), "there is no such day in any month");
  EXPECT_EQ(what_is_wrong("@reboot"),
            "it has 1 fields; minute, hour, day of the month, month and day of the week are five");
  EXPECT_EQ(what_is_wrong("0 0 30 2 MON"), "nothing");
}

TEST(Cron, knows_time_zones_by_name_only) {
  EXPECT_TRUE(TimeZone::find("America/New_York"));
  EXPECT_FALSE(TimeZone::find("Berlin"));
  EXPECT_FALSE(TimeZone::find("../../etc/passwd"));
}

RC_GTEST_PROP(AnyCron, is_read_or_refused, (const std::string& text)) {
  const Result<Cron> cron = parse_cron(text);
  RC_ASSERT(cron.has_value() || !cron.error().message.empty());
}

}  // namespace
}  // namespace ray_gitops::test
