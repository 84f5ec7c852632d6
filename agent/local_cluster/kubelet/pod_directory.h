#pragma once
// Where things of one pod are, below the kubelet's state directory: pods/<uid>/. Root's only.

#include <cstddef>
#include <cstdint>
#include <string>

#include "reconcilers/model/result.h"

namespace ray_gitops::local_cluster {

struct PodDirectory {
  std::string path;

  std::string plan() const { return path + "/plan.json"; }
  std::string identity() const { return path + "/supervisor.json"; }
  std::string state() const { return path + "/state.json"; }
  std::string lock() const { return path + "/lock"; }
  std::string control() const { return path + "/control"; }
  std::string supervisor_log() const { return path + "/supervisor.log"; }
  std::string hosts() const { return path + "/hosts"; }
  std::string root() const { return path + "/root"; }          // mount point of container roots
  std::string shared_memory() const { return path + "/shm"; }  // mount point of the pod's /dev/shm
  std::string volume(const std::string& name) const { return path + "/volumes/" + name; }
  std::string container(const std::string& name) const { return path + "/containers/" + name; }
  std::string logs(const std::string& container) const { return path + "/logs/" + container; }
  // Run 0 is the first start, 1 the first restart.
  std::string log(const std::string& container, std::int64_t run) const {
    return logs(container) + "/" + std::to_string(run) + ".log";
  }
};

inline std::string pods_directory(const std::string& state_directory) {
  return state_directory + "/pods";
}

constexpr std::size_t k_plan_bytes_max = 64UL * 1024 * 1024;
constexpr std::size_t k_state_bytes_max = 4UL * 1024 * 1024;

// The log of the container's newest run, or of the one before (`previous`). NotFound when it has
// none.
Result<std::string> find_log(const PodDirectory& directory, const std::string& container,
                             bool previous);

}  // namespace ray_gitops::local_cluster
