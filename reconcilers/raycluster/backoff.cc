#include "reconcilers/raycluster/backoff.h"

#include "reconcilers/raycluster/workers.h"

namespace ray_gitops::raycluster {
namespace {

std::string stuck_pod(const std::string& group, const ClusterObserved& observed, Now now) {
  for (const PodView& pod : observed.pods.value()) {
    const bool is_starting = pod.phase == PodPhase::Pending && !pod.meta.terminating;
    if (pod.group != group || !is_starting || pod.problem.empty()) continue;
    if (now.wall - pod.meta.created_at >= k_start_patience)
      return "has a pod that does not start: " + pod.meta.key.name + ": " + pod.problem;
  }
  return {};
}

std::string trouble_of(const ObjectKey& cluster, const std::string& group,
                       const ClusterObserved& observed, Now now) {
  if (const Refusal* refusal = refusal_of(observed, cluster.name, group))
    return "is refused pods: " + describe(refusal->error);
  const auto failures = observed.failures.find(group);
  const PodFailures* failed = failures == observed.failures.end() ? nullptr : &failures->second;
  if (const auto due = replacement_due(failed); due && *due > now.monotonic)
    return "has pods that fail again and again";
  return stuck_pod(group, observed, now);
}

}  // namespace

std::map<std::string, std::string> groups_in_trouble(const ObjectKey& cluster,
                                                     const RayClusterSpec& spec,
                                                     const ClusterObserved& observed, Now now) {
  std::map<std::string, std::string> troubles;
  if (!observed.pods.is_known()) return troubles;
  for (const GroupSpec& group : spec.workers)
    if (std::string why = trouble_of(cluster, group.name, observed, now); !why.empty())
      troubles[group.name] = std::move(why);
  return troubles;
}

}  // namespace ray_gitops::raycluster
