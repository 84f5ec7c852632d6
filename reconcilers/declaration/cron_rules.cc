#include "reconcilers/declaration/cron_rules.h"

#include <cstddef>

#include "reconcilers/schedule/cron.h"
#include "reconcilers/schedule/time_zone.h"

namespace ray_gitops {
namespace {

constexpr std::size_t k_shown_max = 64;

std::string quoted(const std::string& text) { return "`" + printable(text, k_shown_max) + "`"; }

}  // namespace

void check_cron(const std::string& text, const Path& path, Findings& findings) {
  if (text.find("TZ") != std::string::npos)
    return findings.error(Rule::CronSchedule, path, "the schedule names a time zone",
                          "write it into timeZone");
  const Result<schedule::Cron> cron = schedule::parse_cron(text);
  if (cron) return;
  findings.error(
      Rule::CronSchedule, path,
      "the schedule is " + quoted(text) + ": " + printable(cron.error().message, 2 * k_shown_max),
      "write minute, hour, day of month, month and day of week: \"0 3 * * *\"");
}

void check_time_zone(const std::string& name, const Path& path, Findings& findings) {
  if (schedule::TimeZone::find(name)) return;
  findings.error(Rule::CronSchedule, path, "the time zone database has no " + quoted(name),
                 "write a name such as Europe/Berlin or UTC, or leave it out for UTC");
}

}  // namespace ray_gitops
