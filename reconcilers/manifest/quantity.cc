#include "reconcilers/manifest/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

namespace ray_gitops {
namespace {

struct Suffix {
  std::string_view text;
  long double factor;
};

constexpr std::array<Suffix, 15> k_suffixes{{
    {"Ki", 1024.0L},
    {"Mi", 1048576.0L},
    {"Gi", 1073741824.0L},
    {"Ti", 1099511627776.0L},
    {"Pi", 1125899906842624.0L},
    {"Ei", 1152921504606846976.0L},
    {"n", 1e-9L},
    {"u", 1e-6L},
    {"m", 1e-3L},
    {"k", 1e3L},
    {"M", 1e6L},
    {"G", 1e9L},
    {"T", 1e12L},
    {"P", 1e15L},
    {"E", 1e18L},
}};

struct Parts {
  std::string_view number;
  long double factor = 1.0L;
};

Parts split_suffix(std::string_view quantity) {
  for (const Suffix& suffix : k_suffixes)
    if (quantity.size() > suffix.text.size() && quantity.ends_with(suffix.text))
      return {quantity.substr(0, quantity.size() - suffix.text.size()), suffix.factor};
  return {quantity, 1.0L};
}

// An exponent is itself a suffix: a number has one or the other.
bool is_plain_number(const Parts& parts) {
  const std::string_view allowed = parts.factor == 1.0L ? "0123456789.eE+-" : "0123456789.+-";
  return !parts.number.empty() && parts.number.front() != '-' &&
         parts.number.find_first_not_of(allowed) == std::string_view::npos;
}

std::optional<long double> parse_value(std::string_view quantity) {
  const Parts parts = split_suffix(quantity);
  if (!is_plain_number(parts)) return std::nullopt;
  const std::string_view digits =
      parts.number.front() == '+' ? parts.number.substr(1) : parts.number;
  long double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value < 0)
    return std::nullopt;
  return value * parts.factor;
}

std::optional<std::int64_t> round_up(long double value) {
  constexpr long double k_past_largest = 9223372036854775808.0L;
  // A hair above a whole number is rounding noise of the decimal form, not a fraction.
  const long double rounded = std::ceil(value - std::min(value * 1e-18L, 1e-3L));
  if (!(rounded >= 0 && rounded < k_past_largest)) return std::nullopt;
  return static_cast<std::int64_t>(rounded);
}

}  // namespace

std::optional<std::int64_t> parse_milli(std::string_view quantity) {
  const auto value = parse_value(quantity);
  return value ? round_up(*value * 1000.0L) : std::nullopt;
}

std::optional<std::int64_t> parse_whole(std::string_view quantity) {
  const auto value = parse_value(quantity);
  return value ? round_up(*value) : std::nullopt;
}

}  // namespace ray_gitops
