#pragma once
// Cron expressions: when something begins, minute by minute, in local time.

#include <bitset>
#include <string_view>

#include "reconcilers/model/result.h"

namespace ray_gitops::schedule {

// Which values each field lets through.
struct Cron {
  std::bitset<60> minutes;
  std::bitset<24> hours;
  std::bitset<32> days;      // of the month, 1 to 31
  std::bitset<13> months;    // 1 to 12
  std::bitset<7> weekdays;   // 0 is Sunday
  bool any_day = false;      // the field is '*' or '?': the other one alone counts
  bool any_weekday = false;  // likewise; when neither does, a day needs to match one of the two
};

// The five fields that Kubernetes takes (robfig/cron, standard parser): minute, hour, day of the
// month, month, day of the week; each '*', '?', a value, a range a-b, either with a step /n, or a
// list of those with commas. Months and days of the week may be named (JAN, MON), and 7 is Sunday,
// too. "@hourly", "@daily" (also "@midnight"), "@weekly", "@monthly" and "@yearly" ("@annually")
// are the expressions they stand for. InvalidInput names the field, and what is wrong with it. What
// can never come (February 30th) is InvalidInput, too.
Result<Cron> parse_cron(std::string_view text);

// Whether it lets the day through; `weekday` 0 is Sunday.
bool has_day(const Cron& cron, unsigned month, unsigned day, unsigned weekday);

}  // namespace ray_gitops::schedule
