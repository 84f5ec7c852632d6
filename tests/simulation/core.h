#pragma once
// What all actors of a run share.

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/simulation/faults.h"
#include "tests/simulation/random.h"
#include "tests/simulation/timeline.h"

namespace ray_gitops::simulation {

inline constexpr const char* k_agent_id = "sim";
inline constexpr const char* k_agent_ns = "default";
inline constexpr const char* k_branch = "main";

// What a checker found wrong.
struct Violation {
  std::string checker;
  std::string what;
  Instant when;
};

struct Core {
  explicit Core(std::uint64_t seed) : random(seed) {}

  Timeline timeline;
  Random random;
  Faults faults;
  Instant outage_ends;               // of the cluster's API, for writes
  std::set<std::string> namespaces;  // that the agents are kept to; empty: all
  std::vector<Violation> violations;
  bool verbose = false;
  std::vector<std::string> trace;      // only when verbose
  std::uint64_t digest = k_fnv_start;  // of all effects, in order

  void report(std::string checker, std::string what) {
    note("VIOLATION " + checker + ": " + what);
    violations.push_back({std::move(checker), std::move(what), timeline.instant()});
  }
  void note(const std::string& line) {
    if (verbose) trace.push_back(std::to_string(timeline.instant().milliseconds) + " " + line);
  }
  bool is_in_reach(const std::string& ns) const {
    return namespaces.empty() || namespaces.contains(ns);
  }
  // FNV-1a.
  void mix(std::string_view text) {
    for (const char character : text) {
      digest ^= static_cast<unsigned char>(character);
      digest *= 0x100000001b3U;
    }
  }

 private:
  static constexpr std::uint64_t k_fnv_start = 0xcbf29ce484222325U;
};

}  // namespace ray_gitops::simulation
