#include "reconcilers/schedule/time_zone.h"

#include <chrono>
#include <stdexcept>

#include <date/tz.h>

namespace ray_gitops::schedule {
namespace {

// From one February 29th to the next, where a century's end is none.
constexpr int k_days_ahead = 9 * 366;

using LocalMinutes = date::local_time<std::chrono::minutes>;
using SystemTime = date::sys_time<std::chrono::milliseconds>;

WallTime to_wall(SystemTime time) { return {time.time_since_epoch().count()}; }

bool has_local_day(const Cron& cron, date::local_days day) {
  const date::year_month_day of{day};
  return has_day(cron, static_cast<unsigned>(of.month()), static_cast<unsigned>(of.day()),
                 date::weekday{day}.c_encoding());
}

// The first time of that day that is later than `after`.
std::optional<WallTime> next_of_day(const Cron& cron, date::local_days day,
                                    const date::time_zone& zone, WallTime after) {
  for (int hour = 0; hour < 24; ++hour) {
    if (!cron.hours.test(static_cast<std::size_t>(hour))) continue;
    for (int minute = 0; minute < 60; ++minute) {
      if (!cron.minutes.test(static_cast<std::size_t>(minute))) continue;
      const LocalMinutes local = day + std::chrono::hours(hour) + std::chrono::minutes(minute);
      const WallTime time = to_wall(zone.to_sys(local, date::choose::earliest));
      if (time > after) return time;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<TimeZone> TimeZone::find(const std::string& name) {
  try {
    return TimeZone(date::locate_zone(name.empty() ? "UTC" : name));
  } catch (const std::runtime_error&) {
    return fail(ErrorCode::InvalidInput, "there is no time zone of that name");
  }
}

std::optional<WallTime> TimeZone::next(const Cron& cron, WallTime after) const {
  const SystemTime from{std::chrono::milliseconds(after.milliseconds)};
  const auto first = date::floor<date::days>(zone_->to_local(from));
  for (int ahead = 0; ahead < k_days_ahead; ++ahead) {
    const date::local_days day = first + date::days(ahead);
    if (!has_local_day(cron, day)) continue;
    if (const auto time = next_of_day(cron, day, *zone_, after)) return time;
  }
  return std::nullopt;
}

}  // namespace ray_gitops::schedule
