#include "reconcilers/autoscaler/group_capacity.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/quantity.h"
#include "reconcilers/manifest/ray_start.h"

namespace ray_gitops::autoscaler {
namespace {

using Params = std::map<std::string, std::string>;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view k_around = " '\"`\\";
  while (!text.empty() && k_around.find(text.front()) != text.npos) text.remove_prefix(1);
  while (!text.empty() && k_around.find(text.back()) != text.npos) text.remove_suffix(1);
  return text;
}

void read_number(const Params& params, const char* flag, const char* resource,
                 ResourceAmounts& resources) {
  const auto found = params.find(flag);
  if (found == params.end()) return;
  if (const std::optional<std::int64_t> milli = parse_milli(trimmed(found->second)))
    resources[resource] = to_units(static_cast<double>(*milli) / 1000.0);
}

// A JSON object in quotes; users escape the quotes inside with backslashes.
void read_custom(const Params& params, ResourceAmounts& resources) {
  const auto found = params.find("resources");
  if (found == params.end()) return;
  std::string text{trimmed(found->second)};
  std::erase(text, '\\');
  const auto object = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return;
  for (const auto& [name, amount] : object.items())
    if (amount.is_number()) resources[name] = to_units(amount.get<double>());
}

void read_labels(const Params& params, std::map<std::string, std::string>& labels) {
  const auto found = params.find("labels");
  if (found == params.end()) return;
  std::string_view rest = trimmed(found->second);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos) continue;
    labels[std::string{trimmed(pair.substr(0, equals))}] = trimmed(pair.substr(equals + 1));
  }
}

}  // namespace

GroupCapacity group_capacity(const GroupSpec& group) {
  const Params params = ray_start_params(group, "head:6379");
  GroupCapacity capacity;
  read_custom(params, capacity.resources);
  read_number(params, "num-cpus", "CPU", capacity.resources);
  read_number(params, "num-gpus", "GPU", capacity.resources);
  read_number(params, "memory", "memory", capacity.resources);
  if (capacity.resources.contains("GPU") && capacity.resources["GPU"] == 0)
    capacity.resources.erase("GPU");
  read_labels(params, capacity.labels);
  return capacity;
}

}  // namespace ray_gitops::autoscaler
