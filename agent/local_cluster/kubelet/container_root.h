#pragma once
// What a container sees of the file system: the host's programs read-only, an own /tmp, /home/ray,
// /etc, /dev and /proc, and its volumes. Nothing of it is a change on the host.

#include "agent/local_cluster/kubelet/pod_directory.h"
#include "agent/local_cluster/kubelet/process_plan.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::local_cluster {

constexpr const char* k_default_shared_memory_size = "64m";  // of /dev/shm without a volume
constexpr const char* k_root_size = "16m";  // of what is written outside of volumes

// Once per pod, in its own mount namespace: private propagation, /proc of the pod's processes,
// memory volumes mounted, directories and files of the other volumes made.
Result<void> prepare_pod_mounts(const PodProcessPlan& plan, const PodDirectory& directory);

// Once per start of a container, in the process that becomes it, still as root: a new mount
// namespace whose root is this container's. Afterwards nothing else of the host can be reached.
Result<void> enter_container_root(const PodProcessPlan& plan, const ContainerPlan& container,
                                  const PodDirectory& directory);

// Empties what a container writes outside of volumes: before each start it is as new.
Result<void> reset_container_files(const ContainerPlan& container, const PodDirectory& directory);

}  // namespace ray_gitops::local_cluster
