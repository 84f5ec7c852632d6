#include "reconcilers/manifest/pod_amounts.h"

#include <algorithm>
#include <string>

#include "reconcilers/manifest/quantity.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t k_units_per_milli = k_units_per_whole / 1000;

const Json& member(const Json& json, const char* name) {
  static const Json k_null;
  if (!json.is_object()) return k_null;
  const auto found = json.find(name);
  return found == json.end() ? k_null : *found;
}

PodAmounts amounts_of(const Json& container) {
  PodAmounts amounts;
  const Json& resources = member(container, "resources");
  for (const char* kind : {"limits", "requests"})  // what is requested counts
    for (const auto& [name, quantity] : member(resources, kind).items())
      if (const auto amount = pod_amount(quantity)) amounts[name] = *amount;
  return amounts;
}

}  // namespace

std::optional<ResourceUnits> pod_amount(const Json& quantity) {
  const std::string text = quantity.is_string() ? quantity.get<std::string>() : quantity.dump();
  const std::optional<std::int64_t> milli = parse_milli(text);
  if (!milli) return std::nullopt;
  return *milli > k_resource_units_max / k_units_per_milli ? k_resource_units_max
                                                           : *milli * k_units_per_milli;
}

PodAmounts pod_amounts(const Document& pod_template) {
  const Json& spec = member(pod_template.json(), "spec");
  PodAmounts amounts;
  for (const Json& container : member(spec, "containers"))
    add_amounts(amounts, amounts_of(container));
  for (const Json& container : member(spec, "initContainers"))
    for (const auto& [name, units] : amounts_of(container))
      amounts[name] = std::max(amounts[name], units);
  amounts["pods"] = k_units_per_whole;
  return amounts;
}

void add_amounts(PodAmounts& left, const PodAmounts& right, std::int64_t times) {
  for (const auto& [name, units] : right) {
    ResourceUnits& sum = left[name];
    std::int64_t product = 0;
    if (__builtin_mul_overflow(units, times, &product))
      product = times < 0 ? -k_resource_units_max : k_resource_units_max;
    sum = std::clamp(sum + std::clamp(product, -k_resource_units_max, k_resource_units_max),
                     -k_resource_units_max, k_resource_units_max);
  }
}

bool holds(const PodAmounts& room, const PodAmounts& amounts) {
  return std::all_of(room.begin(), room.end(), [&](const auto& left) {
    const auto needed = amounts.find(left.first);
    return needed == amounts.end() || needed->second <= 0 || needed->second <= left.second;
  });
}

void take_amounts(PodAmounts& room, const PodAmounts& amounts) {
  for (auto& [name, left] : room)
    if (const auto taken = amounts.find(name); taken != amounts.end()) left -= taken->second;
}

}  // namespace ray_gitops
