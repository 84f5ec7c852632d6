#pragma once
// Hand-made events and a look at effects, for the tests of this folder.

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "agent/engine/event.h"
#include "agent/engine/options.h"
#include "agent/engine/parts.h"

namespace ray_gitops::engine::test {

// So long after the tests' beginning.
inline Now at(Duration since) {
  return {WallTime{1'767'225'600'000 + since.count()}, Instant{1'000'000 + since.count()}};
}

inline EngineOptions options() {
  EngineOptions options;
  options.agent_id = "demo";
  options.agent_ns = "ray";
  options.instance = "one";
  options.version = "0.1.0";
  options.repository = "file:///repository#main";
  options.branch = "main";
  options.default_ns = "default";
  return options;
}

template <class Wanted>
std::vector<Wanted> all(const Effects& effects) {
  std::vector<Wanted> found;
  for (const Effect& effect : effects)
    if (const auto* wanted = std::get_if<Wanted>(&effect)) found.push_back(*wanted);
  return found;
}

inline ResourceKey pod_key(const std::string& name) { return {ResourceType::Pod, "default", name}; }

inline PodView pod(const std::string& name, const std::string& version,
                   const std::string& uid = "uid-1") {
  PodView view;
  view.meta.key = pod_key(name);
  view.meta.uid = uid;
  view.meta.resource_version = version;
  view.meta.agent = "demo";
  view.cluster = "demo";
  return view;
}

inline Error unavailable() { return {ErrorCode::Unavailable, "no answer", {}}; }

inline tl::unexpected<Error> failed(ErrorCode code) {
  return tl::unexpected<Error>(Error{code, "as the test says", {}});
}

}  // namespace ray_gitops::engine::test
