#pragma once
// One worker group: which pods leave and which slots are filled.

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconcilers/model/declaration.h"
#include "reconcilers/raycluster/census.h"
#include "reconcilers/raycluster/observed.h"
#include "reconcilers/raycluster/replicas.h"

namespace ray_gitops::raycluster {

struct Leaving {
  const PodView* pod = nullptr;
  std::string reason;
};

struct GroupDecision {
  std::vector<Leaving> leaving;
  // To fill, at most creates_max: what begun replicas lack first, then whole ones; ascending.
  std::vector<std::int64_t> slots;
  std::optional<Instant> waits_until;  // failures or refusals delay what is missing
  bool filling = false;  // some are being made, or are to be: of `slots`, or on their way
  bool settled = false;  // every wanted pod is there, current and Ready
};

struct GroupInput {
  ReplicaFacts facts;
  const Pods* pods = nullptr;  // of the group, current incarnation, not terminating
  // By any pod of that name, whoever owns it, and by creates on their way.
  std::set<std::int64_t> taken_slots;
  std::set<std::int64_t> creating;  // slots of creates on their way
  std::int64_t creates_max = std::numeric_limits<std::int64_t>::max();
  const PodFailures* failures = nullptr;
  const Refusal* refusal = nullptr;  // of a create in this group
  // Of the autoscaler, when it decides: it says itself which pods are too many.
  const ClusterScaling* scaling = nullptr;
  bool may_restart = true;  // it is this group's turn to take a new template
};

GroupDecision decide_group(const GroupInput& input, Instant now);

// What is observed of one group of a cluster:
// Slots whose name a pod holds, whoever owns it, names that others hold out of our sight, and
// those of creates on their way.
std::set<std::int64_t> taken_slots(const ClusterObserved& observed, const std::string& cluster,
                                   const std::string& group);
std::set<std::int64_t> creating_slots(const ClusterObserved& observed, const std::string& cluster,
                                      const std::string& group);
// Whose names pods of others hold, in our sight, that do not leave.
std::set<std::int64_t> foreign_slots(const Census& census, const std::string& cluster,
                                     const std::string& group);
// Keys of replicas that a host is seen to leave, or was, and not because the autoscaler wants it.
std::set<std::string> lost_replicas(const ClusterObserved& observed, const Census& census);
// Of a create, but for a name that is taken; null: none.
const Refusal* refusal_of(const ClusterObserved& observed, const std::string& cluster,
                          const std::string& group);

// How many pods are wanted in this group, of all replicas and their hosts.
std::int64_t wanted_pods(const GroupSpec& group);

// No delay after the first failure, then 2 s doubling to one minute.
std::optional<Instant> replacement_due(const PodFailures* failures);

}  // namespace ray_gitops::raycluster
