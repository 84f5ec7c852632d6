#pragma once
// Runtime state of a RayService, in its anchor (docs/formats.md, "Anchors").

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/model/time.h"

namespace ray_gitops {

// A cluster that was made for a service.
struct ServingCluster {
  std::string name;  // of the RayCluster
  // What it was made from: RayServiceSpec::head_hash and group_hashes of then.
  std::string head_hash;
  std::map<std::string, std::string> group_hashes;
  // The Serve configuration that its head has taken, and which head that was; empty before, and
  // from the moment when it is to get another.
  std::string head_uid;
  std::string config_digest;
  // Another cluster serves in its place: it leaves then.
  std::optional<WallTime> leaves_at;
  friend bool operator==(const ServingCluster&, const ServingCluster&) = default;
};

// The one that serves, one that is to take its place, and those that wait for their end.
inline constexpr std::size_t k_serving_clusters_max = 16;

struct ServiceState {
  std::string active;     // the cluster that the serve Service leads to; empty before the first
  std::int64_t made = 0;  // how many clusters have got a name; names are never used twice
  std::vector<ServingCluster> clusters;  // in the order in which they got their names
  friend bool operator==(const ServiceState&, const ServiceState&) = default;
};

}  // namespace ray_gitops
