#pragma once
// Starting one process of a container: its root, user, limits and rights.

#include <string>
#include <vector>

#include <sys/types.h>

#include "agent/local_cluster/kubelet/pod_directory.h"
#include "agent/local_cluster/kubelet/process.h"
#include "agent/local_cluster/kubelet/process_plan.h"

namespace ray_gitops::local_cluster {

constexpr std::uint64_t k_open_files = 65'536;  // what KubeRay's command asks for

struct ContainerProcess {
  pid_t pid = 0;
  FileDescriptor output;        // stdout and stderr, non-blocking
  std::string mount_namespace;  // as read_mount_namespace() gives it
};

// Starts the container's command in a new root. An Error says why the command does not run.
Result<ContainerProcess> start_container(const PodProcessPlan& plan, const ContainerPlan& container,
                                         const PodDirectory& directory);
// Starts another command inside of a running container, with its environment and user.
Result<ContainerProcess> start_inside(const ContainerPlan& container,
                                      const std::vector<std::string>& command, pid_t main_process);

// "mnt:[4026532450]", or empty when the process is gone.
std::string read_mount_namespace(pid_t pid);
// SIGKILL for every process of the mount namespace, until there is none.
void kill_mount_namespace(const std::string& mount_namespace);

}  // namespace ray_gitops::local_cluster
