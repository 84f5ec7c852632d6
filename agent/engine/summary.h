#pragma once
// What an operator counts: numbers about the engine's state, for metrics and for probes. Without
// names of objects, so that there are as many as kinds, phases and types.

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "reconcilers/model/object_key.h"
#include "reconcilers/model/plan.h"

namespace ray_gitops::engine {

// Whether the agent does its work, or what it waits for first.
enum class Readiness : std::uint8_t {
  Ready,           // everything was read once: commits take effect, or the status says why not
  Standby,         // another agent of this id holds the Lease; this one takes over when it ends
  ClusterNotRead,  // a type was not listed yet
  LeaseNotTaken,   // no commit is in force, and the Lease is not held
  SourceNotRead,   // no commit is in force, and it is not known why
  Stopping
};

// One sentence for a person.
const char* sentence_of(Readiness readiness);
// Ready and Standby: a probe is to leave the agent alone.
inline bool is_ready(Readiness readiness) { return readiness <= Readiness::Standby; }

struct Summary {
  Readiness readiness = Readiness::ClusterNotRead;
  bool lease_held = false;
  bool is_commit_held = false;     // by a guard
  bool is_source_readable = true;  // the last poll and fetch succeeded
  std::size_t diagnostics = 0;     // of the newest commit that was read, warnings included
  std::map<std::pair<Kind, Phase>, std::size_t> objects;  // as the status shows them
  std::map<Kind, std::uint64_t> reconciles;               // plans made since the start
  std::map<ResourceType, std::size_t> watched;            // live objects in the cache
  std::size_t writes_under_way = 0;
  std::size_t writes_unanswered = 0;  // objects that are Unknown until a read decides
  std::size_t writes_refused = 0;     // objects whose last write was refused
};

}  // namespace ray_gitops::engine
