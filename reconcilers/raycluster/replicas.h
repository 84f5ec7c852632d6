#pragma once
// The replicas of one worker group: of one pod each, or of several hosts (numOfHosts), which come
// and leave together (KubeRay 1.7, "Multi-host path").

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconcilers/model/declaration.h"
#include "reconcilers/raycluster/census.h"

namespace ray_gitops::raycluster {

struct Replica {
  Pods pods;                          // in order of name; never empty
  std::optional<std::int64_t> index;  // as its pods' names say
  // Why all of it must leave: a pod has failed, a host has left, or one can never come; or empty.
  std::string broken;
  bool outdated = false;  // made from an earlier template
  bool complete = false;  // no host is missing
};

// What is known of a group beside its pods.
struct ReplicaFacts {
  std::string cluster;
  const GroupSpec* group = nullptr;
  std::set<std::string> lost;            // keys of replicas that a host has left (replica_key)
  std::set<std::int64_t> foreign_slots;  // whose names others hold, who do not leave
};

// Of `pods` of the group, in order of name, that are neither leaving nor about to.
std::vector<Replica> replicas_of(const ReplicaFacts& facts, const Pods& pods);

// Who goes first when there are too many: those that are not complete or do not run, then those
// that are not Ready, then the youngest.
bool leaves_before(const Replica& left, const Replica& right);

// Why this pod of a replica leaves with it.
std::string why_it_leaves(const Replica& replica, const PodView& pod);

// What the pods of one replica have in common: its name and their template. Empty for a replica of
// one host.
std::string replica_key(const PodView& pod);

}  // namespace ray_gitops::raycluster
