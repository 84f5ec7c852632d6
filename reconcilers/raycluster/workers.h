#pragma once
// One worker group: which pods leave and which slots are filled.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconcilers/model/declaration.h"
#include "reconcilers/raycluster/census.h"
#include "reconcilers/raycluster/observed.h"

namespace ray_gitops::raycluster {

struct Leaving {
  const PodView* pod = nullptr;
  std::string reason;
};

struct GroupDecision {
  std::vector<Leaving> leaving;
  std::vector<std::int64_t> slots;     // to fill, ascending
  std::optional<Instant> waits_until;  // failures or refusals delay what is missing
  bool settled = false;                // every wanted pod is there, current and Ready
};

struct GroupInput {
  const GroupSpec* group = nullptr;
  const Pods* pods = nullptr;          // of the group, current incarnation, not terminating
  std::set<std::int64_t> taken_slots;  // by any pod of that name, whoever owns it
  const PodFailures* failures = nullptr;
  const Refusal* refusal = nullptr;  // of a create in this group
  bool may_restart = true;           // it is this group's turn to take a new template
};

GroupDecision decide_group(const GroupInput& input, Instant now);

// How many pods the file wants in this group.
std::int64_t wanted_pods(const GroupSpec& group);

// No delay after the first failure, then 2 s doubling to one minute.
std::optional<Instant> replacement_due(const PodFailures* failures);

}  // namespace ray_gitops::raycluster
