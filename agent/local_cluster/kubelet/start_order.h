#pragma once
// Which waiting pods start now. Starting a Ray node takes all of a core for some seconds, and two
// on one core take more than twice as long, so there is at most one for each core at a time.

#include <cstddef>
#include <string>
#include <vector>

#include "reconcilers/model/time.h"

namespace ray_gitops::local_cluster {

// A Ray node that is not ready by then no longer counts as starting.
constexpr Duration k_ray_start_time_max{60'000};

struct WaitingPod {
  std::string uid;
  bool is_ray_node = false;
  bool is_head = false;
  std::string created_at;  // RFC 3339
};

// The uids to start now: everything that is no Ray node, then heads before workers and older before
// newer, up to `free_places`.
std::vector<std::string> choose_starts(std::vector<WaitingPod> waiting, std::size_t free_places);

}  // namespace ray_gitops::local_cluster
