#include "reconcilers/model/autoscaling.h"

#include <algorithm>

namespace ray_gitops {

ResourceUnits to_units(double amount) {
  if (!(amount > 0)) return 0;
  const double units = amount * static_cast<double>(k_units_per_whole) + 0.5;
  if (units >= static_cast<double>(k_resource_units_max)) return k_resource_units_max;
  return static_cast<ResourceUnits>(units);
}

double from_units(ResourceUnits units) {
  const ResourceUnits wholes = units / k_units_per_whole;
  const ResourceUnits fraction = units % k_units_per_whole;
  const auto whole = static_cast<double>(wholes);
  if (fraction == 0) return whole;  // exact also for bytes, whose units need more than 53 bits
  return whole + static_cast<double>(fraction) / static_cast<double>(k_units_per_whole);
}

ResourceUnits add_units(ResourceUnits left, ResourceUnits right) {
  return std::min(left + right, k_resource_units_max);
}

std::string render_units(ResourceUnits units) {
  std::string text = std::to_string(units / k_units_per_whole) + ".";
  std::string fraction = std::to_string(k_units_per_whole + units % k_units_per_whole).substr(1);
  while (fraction.size() > 1 && fraction.back() == '0') fraction.pop_back();
  return text + fraction;
}

std::string render_amounts(const ResourceAmounts& amounts) {
  std::string text = "{";
  for (const auto& [name, units] : amounts) {
    if (text.size() > 1) text += ", ";
    text += "'" + name + "': " + render_units(units);
  }
  return text + "}";
}

const char* name_of(RayNodeStatus status) {
  switch (status) {
    case RayNodeStatus::Unspecified:
      return "UNSPECIFIED";
    case RayNodeStatus::Running:
      return "RUNNING";
    case RayNodeStatus::Dead:
      return "DEAD";
    case RayNodeStatus::Idle:
      return "IDLE";
    case RayNodeStatus::Draining:
      return "DRAINING";
  }
  return "UNSPECIFIED";
}

bool is_node_id(const std::string& text) {
  return text.size() == 2 * k_node_id_bytes &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

const char* name_of(DrainReason reason) {
  return reason == DrainReason::Preemption ? "PREEMPTION" : "IDLE_TERMINATION";
}

}  // namespace ray_gitops
