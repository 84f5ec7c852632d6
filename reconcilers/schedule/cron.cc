#include "reconcilers/schedule/cron.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ray_gitops::schedule {
namespace {

using Names = std::vector<std::string_view>;

struct Field {
  const char* name;
  unsigned least;
  unsigned most;
  Names names;  // of `least` and what follows
};

const std::array<Field, 5>& fields() {
  static const std::array<Field, 5> k_fields{
      {{"minute", 0, 59, {}},
       {"hour", 0, 23, {}},
       {"day of the month", 1, 31, {}},
       {"month",
        1,
        12,
        {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
       {"day of the week", 0, 7, {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}}}};
  return k_fields;
}

struct Range {
  unsigned from = 0;
  unsigned to = 0;
};

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find_first_of(separators, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::optional<unsigned> parse_number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_same_word(std::string_view left, std::string_view right) {
  constexpr unsigned char k_upper = 0xDF;  // clears the bit that makes a letter small
  if (left.size() != right.size()) return false;
  for (std::size_t index = 0; index < left.size(); ++index)
    if ((static_cast<unsigned char>(left[index]) & k_upper) !=
        static_cast<unsigned char>(right[index]))
      return false;
  return true;
}

std::optional<unsigned> parse_value(std::string_view text, const Field& field) {
  for (std::size_t index = 0; index < field.names.size(); ++index)
    if (is_same_word(text, field.names[index])) return field.least + static_cast<unsigned>(index);
  const std::optional<unsigned> value = parse_number(text);
  return value && *value >= field.least && *value <= field.most ? value : std::nullopt;
}

bool is_any(std::string_view text) { return text == "*" || text == "?"; }

// "5-20", "7" (with a step: from there to the end), "*".
std::optional<Range> parse_range(std::string_view text, bool has_step, const Field& field) {
  if (is_any(text)) return Range{field.least, field.most};
  const std::size_t dash = text.find('-');
  const std::optional<unsigned> from = parse_value(text.substr(0, dash), field);
  if (!from) return std::nullopt;
  if (dash == std::string_view::npos) return Range{*from, has_step ? field.most : *from};
  const std::optional<unsigned> to = parse_value(text.substr(dash + 1), field);
  return to && *to >= *from ? std::optional(Range{*from, *to}) : std::nullopt;
}

// The values of one part of a list; none when it cannot be read.
std::vector<unsigned> parse_part(std::string_view text, const Field& field) {
  const std::size_t slash = text.find('/');
  const bool has_step = slash != std::string_view::npos;
  const std::optional<unsigned> step = has_step ? parse_number(text.substr(slash + 1)) : 1U;
  const std::optional<Range> range = parse_range(text.substr(0, slash), has_step, field);
  std::vector<unsigned> values;
  if (!step || *step == 0 || !range) return values;
  for (unsigned value = range->from; value <= range->to; value += *step) values.push_back(value);
  return values;
}

template <std::size_t Size>
Result<void> parse_field(std::string_view text, const Field& field, std::bitset<Size>& set) {
  for (const std::string_view part : split(text, ",")) {
    const std::vector<unsigned> values = parse_part(part, field);
    if (values.empty())
      return fail(ErrorCode::InvalidInput,
                  "the " + std::string(field.name) + " `" + std::string(part) +
                      "` is no value, range or step within " + std::to_string(field.least) +
                      " to " + std::to_string(field.most));
    for (const unsigned value : values) set.set(value % Size);
  }
  return {};
}

std::string_view expression_of(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> k_words{
      {{"@hourly", "0 * * * *"},
       {"@daily", "0 0 * * *"},
       {"@midnight", "0 0 * * *"},
       {"@weekly", "0 0 * * 0"},
       {"@monthly", "0 0 1 * *"},
       {"@yearly", "0 0 1 1 *"},
       {"@annually", "0 0 1 1 *"}}};
  for (const auto& [word, expression] : k_words)
    if (text == word) return expression;
  return text;
}

// Some month that it names has such a day.
bool can_come(const Cron& cron) {
  constexpr std::array<unsigned, 13> k_days{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (!cron.any_weekday) return true;
  for (unsigned month = 1; month <= 12; ++month)
    for (unsigned day = 1; cron.months.test(month) && day <= k_days.at(month); ++day)
      if (cron.days.test(day)) return true;
  return false;
}

}  // namespace

Result<Cron> parse_cron(std::string_view text) {
  std::vector<std::string_view> parts;
  for (const std::string_view part : split(expression_of(text), " \t"))
    if (!part.empty()) parts.push_back(part);
  if (parts.size() != fields().size())
    return fail(ErrorCode::InvalidInput,
                "it has " + std::to_string(parts.size()) +
                    " fields; minute, hour, day of the month, month and day of the week are five");
  Cron cron;
  TRY(parse_field(parts[0], fields()[0], cron.minutes));
  TRY(parse_field(parts[1], fields()[1], cron.hours));
  TRY(parse_field(parts[2], fields()[2], cron.days));
  TRY(parse_field(parts[3], fields()[3], cron.months));
  TRY(parse_field(parts[4], fields()[4], cron.weekdays));
  cron.any_day = is_any(parts[2]);
  cron.any_weekday = is_any(parts[4]);
  if (!can_come(cron)) return fail(ErrorCode::InvalidInput, "there is no such day in any month");
  return cron;
}

bool has_day(const Cron& cron, unsigned month, unsigned day, unsigned weekday) {
  if (!cron.months.test(month)) return false;
  const bool by_day = cron.days.test(day);
  const bool by_weekday = cron.weekdays.test(weekday);
  return cron.any_day || cron.any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

}  // namespace ray_gitops::schedule
