// Spans of time that come again: when they are open, and until when that holds.

#include "reconcilers/schedule/window.h"

#include <chrono>
#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace ray_gitops::test {
namespace {

using namespace std::chrono_literals;
using schedule::is_open;
using schedule::next_change;
using schedule::parse_cron;
using schedule::TimeZone;
using schedule::Window;

WallTime at(const std::string& time) { return parse_rfc3339(time).value(); }

Window window(const std::string& start, Duration length) {
  return {parse_cron(start).value(), TimeZone::find("UTC").value(), length};
}

std::string change_after(const Window& of, const std::string& time) {
  const std::optional<WallTime> next = next_change(of, at(time));
  return next ? to_rfc3339(*next) : "never";
}

TEST(Window, is_open_from_its_start_until_its_length_has_passed) {
  const Window office = window("0 8 * * 1-5", 10h);
  EXPECT_FALSE(is_open(office, at("2026-11-27T07:59:59Z")));
  EXPECT_TRUE(is_open(office, at("2026-11-27T08:00:00Z")));
  EXPECT_TRUE(is_open(office, at("2026-11-27T17:59:59Z")));
  EXPECT_FALSE(is_open(office, at("2026-11-27T18:00:00Z")));
  EXPECT_FALSE(is_open(office, at("2026-11-28T12:00:00Z")));
}

TEST(Window, says_when_to_look_again) {
  const Window office = window("0 8 * * 1-5", 10h);
  EXPECT_EQ(change_after(office, "2026-11-27T07:00:00Z"), "2026-11-27T08:00:00Z");
  EXPECT_EQ(change_after(office, "2026-11-27T08:00:00Z"), "2026-11-27T18:00:00Z");
  EXPECT_EQ(change_after(office, "2026-11-27T18:00:00Z"), "2026-11-30T08:00:00Z");
}

TEST(Window, stays_open_where_the_next_one_begins_before_it_ends) {
  const Window always = window("0 * * * *", 90min);
  EXPECT_TRUE(is_open(always, at("2026-11-27T07:59:59Z")));
  EXPECT_EQ(change_after(always, "2026-11-27T07:10:00Z"), "2026-11-27T07:30:00Z");
  EXPECT_TRUE(is_open(always, at("2026-11-27T07:30:00Z")));
  EXPECT_EQ(change_after(always, "2026-11-27T07:30:00Z"), "2026-11-27T08:30:00Z");
}

}  // namespace
}  // namespace ray_gitops::test
