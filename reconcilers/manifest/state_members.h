#pragma once
// Members of the states in anchors: what is missing or of another type is InvalidInput that names
// it, never a default.

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"

namespace ray_gitops {

tl::unexpected<Error> unreadable_state(const char* name);

Result<std::string> parse_state_text(const nlohmann::json& object, const char* name);
// From `min` to 1,000,000,000: nothing counts that far.
Result<std::int64_t> parse_state_count(const nlohmann::json& object, const char* name,
                                       std::int64_t min);
// Empty text is a time that has not come: WallTime{}. Whole seconds are kept.
Result<WallTime> parse_state_time(const nlohmann::json& object, const char* name);
std::string state_time_text(WallTime time);

}  // namespace ray_gitops
