#pragma once
// Local time, by the time zone database of the machine (Debian's tzdata).

#include <optional>
#include <string>

#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"
#include "reconcilers/schedule/cron.h"

namespace date {
class time_zone;  // NOLINT(readability-identifier-naming): the library's name
}

namespace ray_gitops::schedule {

// "Europe/Berlin", "UTC"; empty is UTC.
class TimeZone {
 public:
  // InvalidInput when the database has none of that name, or there is no database.
  static Result<TimeZone> find(const std::string& name);

  // The first minute later than `after` that the expression lets through; nullopt when there is
  // none within nine years. A local time that the clock leaves out (it is put forward) counts as
  // the moment of the change, one that comes twice counts the first time.
  std::optional<WallTime> next(const Cron& cron, WallTime after) const;

 private:
  explicit TimeZone(const date::time_zone* zone) : zone_(zone) {}

  const date::time_zone* zone_;  // of the database, which stays
};

}  // namespace ray_gitops::schedule
