// A schedule as crontab writes it, and whether it has some days.
#include "reconcilers/schedule/cron.h"

#include "tests/fuzz/text_of.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto cron = ray_gitops::schedule::parse_cron(ray_gitops::fuzz::text_of(data, size));
  if (!cron) return 0;
  for (unsigned month = 1; month <= 12; ++month)
    static_cast<void>(ray_gitops::schedule::has_day(*cron, month, 29, month % 7));
  return 0;
}
