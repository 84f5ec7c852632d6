#include "reconcilers/model/time.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace ray_gitops {
namespace {

std::optional<int> parse_digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  const char* begin = text.data() + at;
  const auto [end, error] = std::from_chars(begin, begin + count, value);
  if (error != std::errc{} || end != begin + count || *begin == '-') return std::nullopt;
  return value;
}

// Nothing, or a point and digits.
bool is_fraction(std::string_view text) {
  if (text.empty()) return true;
  return text.front() == '.' && text.size() > 1 &&
         text.find_first_not_of("0123456789", 1) == text.npos;
}

bool has_rfc3339_punctuation(std::string_view text) {
  return text.size() >= 20 && text[4] == '-' && text[7] == '-' && text[10] == 'T' &&
         text[13] == ':' && text[16] == ':' && text.back() == 'Z' &&
         is_fraction(text.substr(19, text.size() - 20));
}

}  // namespace

std::string to_rfc3339(WallTime time) {
  using namespace std::chrono;
  const sys_seconds seconds =
      floor<std::chrono::seconds>(sys_time<Duration>{Duration{time.milliseconds}});
  const sys_days day = floor<days>(seconds);
  const year_month_day date{day};
  const hh_mm_ss clock{seconds - day};
  std::array<char, 40> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return buffer.data();
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  if (!has_rfc3339_punctuation(text)) return std::nullopt;
  const auto y = parse_digits(text, 0, 4);
  const auto mon = parse_digits(text, 5, 2);
  const auto d = parse_digits(text, 8, 2);
  const auto h = parse_digits(text, 11, 2);
  const auto min = parse_digits(text, 14, 2);
  const auto s = parse_digits(text, 17, 2);
  if (!y || !mon || !d || !h || !min || !s) return std::nullopt;
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*mon)},
                            day{static_cast<unsigned>(*d)}};
  if (!date.ok() || *h > 23 || *min > 59 || *s > 60) return std::nullopt;
  const auto point = sys_days{date} + hours{*h} + minutes{*min} + seconds{*s};
  return WallTime{duration_cast<Duration>(point.time_since_epoch()).count()};
}

}  // namespace ray_gitops
