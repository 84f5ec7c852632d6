#include "reconcilers/manifest/state_members.h"

#include <optional>

#include "reconcilers/manifest/json_members.h"

namespace ray_gitops {

using Json = nlohmann::json;

tl::unexpected<Error> unreadable_state(const char* name) {
  return fail(ErrorCode::InvalidInput, std::string("its state has no readable `") + name + "`");
}

Result<std::string> parse_state_text(const Json& object, const char* name) {
  const Json& value = member(object, name);
  if (!value.is_string()) return unreadable_state(name);
  return value.get<std::string>();
}

Result<std::int64_t> parse_state_count(const Json& object, const char* name, std::int64_t min) {
  constexpr std::int64_t k_count_max = 1'000'000'000;
  const Json& value = member(object, name);
  const std::int64_t count = integer_of(value);
  if (!value.is_number_integer() || count < min || count > k_count_max)
    return unreadable_state(name);
  return count;
}

Result<WallTime> parse_state_time(const Json& object, const char* name) {
  const std::string text = TRY(parse_state_text(object, name));
  if (text.empty()) return WallTime{};
  const std::optional<WallTime> time = parse_rfc3339(text);
  if (!time) return unreadable_state(name);
  return *time;
}

std::string state_time_text(WallTime time) {
  return time == WallTime{} ? std::string{} : to_rfc3339(time);
}

}  // namespace ray_gitops
