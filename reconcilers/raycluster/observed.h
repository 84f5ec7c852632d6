#pragma once
// Everything a decision about a RayCluster may look at.

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconcilers/model/document.h"
#include "reconcilers/model/fact.h"
#include "reconcilers/model/refusal.h"
#include "reconcilers/model/time.h"
#include "reconcilers/model/view.h"

namespace ray_gitops {

// Pods of one group that failed lately. It is forgotten after k_failures_remembered without one.
struct PodFailures {
  int count = 0;
  Instant last;
};

inline constexpr Duration k_failures_remembered = std::chrono::minutes(10);

// What the autoscaler wants of a cluster that has it switched on.
struct ClusterScaling {
  // How many workers each group is to have, in place of the file's; saved already.
  std::map<std::string, std::int64_t> targets;
  // Uids of pods that a saved removal names. They are no longer counted, and nothing but
  // `deletions` deletes them.
  std::set<std::string> leaving;
  std::map<std::string, std::string> deletions;  // of these, by uid: why they may go now
  Document state;  // to be saved in the anchor before anything follows from it
};

struct ClusterObserved {
  Fact<std::optional<ConfigMapView>> anchor;
  // All that carry the agent's label and this cluster's, in order of name; whose they are is for
  // the decision to find out.
  Fact<std::vector<PodView>> pods;
  Fact<std::vector<ServiceView>> services;
  // The same of Secrets, and the one with the cluster's name, whosever it is. Only a cluster with a
  // token that we make needs it.
  Fact<std::vector<SecretView>> secrets;
  std::map<ResourceKey, Refusal> refusals;
  // Creates that are on their way: what they make is not there yet, and not missing any more.
  std::set<ResourceKey> creates;
  // Replicas of several hosts of which one was seen to go (raycluster::replica_key).
  std::set<std::string> lost_replicas;
  // More pods need not be planned for a group in this round: the next one goes on.
  std::int64_t creates_max = std::numeric_limits<std::int64_t>::max();
  std::map<std::string, PodFailures> failures;  // by group name
  std::optional<ClusterScaling> scaling;        // nullopt: it is switched off
  bool was_ready = false;                       // it has been Ready since its document last changed
};

}  // namespace ray_gitops
