// A schedule as crontab writes it, and when it comes next.
#include "reconcilers/schedule/cron.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto cron = ray_gitops::schedule::parse_cron(text_of(data, size));
  if (!cron) return 0;
  for (unsigned month = 1; month <= 12; ++month)
    static_cast<void>(ray_gitops::schedule::has_day(*cron, month, 29, month % 7));
  return 0;
}
