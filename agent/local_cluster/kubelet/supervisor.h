#pragma once
// The process that stands for one pod on the host: it makes the pod's namespaces, starts process 1
// in them and waits for it. It has its own session and outlives whoever started it; when it is
// killed, the kernel ends everything of the pod.

#include <string>

namespace ray_gitops::local_cluster {

struct SupervisorOptions {
  std::string directory;  // the pod's (pod_directory.h), with plan.json and hosts in it
};

// The whole life of a pod. SIGTERM stops the pod with its grace period. Answers the exit code: 0
// when the pod has come to its end, whatever its containers' exit codes; 1 when it could not begin
// (state.json says why); 2 when another supervisor has this pod.
int supervise(const SupervisorOptions& options);

}  // namespace ray_gitops::local_cluster
