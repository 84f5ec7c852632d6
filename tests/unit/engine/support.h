#pragma once
// Hand-made events and views for the engine's parts.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/engine/options.h"
#include "agent/engine/parts.h"
#include "reconcilers/model/view.h"

namespace ray_gitops::engine::test {

// Seconds since the start, on both clocks.
inline Now at(double seconds) {
  const auto milliseconds = static_cast<std::int64_t>(seconds * 1000);
  return {WallTime{1'000'000'000'000 + milliseconds}, Instant{1'000 + milliseconds}};
}

inline EngineOptions options() {
  EngineOptions options;
  options.agent_id = "blue";
  options.agent_ns = "ops";
  options.instance = "host-1";
  options.branch = "main";
  options.default_ns = "default";
  return options;
}

inline PodView pod(const std::string& name, const std::string& version,
                   const std::string& uid = "u1") {
  PodView view;
  view.meta.key = {ResourceType::Pod, "default", name};
  view.meta.uid = uid;
  view.meta.resource_version = version;
  view.meta.agent = "blue";
  view.cluster = "demo";
  return view;
}

// The effects of one type, in order.
template <class Wanted>
std::vector<Wanted> all_of(const Effects& effects) {
  std::vector<Wanted> found;
  for (const Effect& effect : effects)
    if (const auto* wanted = std::get_if<Wanted>(&effect)) found.push_back(*wanted);
  return found;
}

}  // namespace ray_gitops::engine::test
