#include "reconcilers/autoscaler/report.h"

#include <algorithm>

namespace ray_gitops::autoscaler {
namespace {

bool stays(const PlannerInput& input, const WorkerPod& pod) {
  return !pod.terminating && !pod.ended && !input.removing.contains(pod.name);
}

std::map<std::string, std::int64_t> staying_pods(const PlannerInput& input) {
  std::map<std::string, std::int64_t> count;
  for (const WorkerPod& pod : input.pods)
    if (stays(input, pod)) ++count[pod.group];
  return count;
}

void tell_groups(const PlannerInput& input, const PlannerDecision& decision,
                 const std::map<std::string, WallTime>& backed_off_since, AutoscalingReport& report,
                 WallTime now) {
  std::map<std::string, std::int64_t> staying = staying_pods(input);
  for (const Group& group : input.groups) {
    const std::int64_t missing =
        decision.groups.at(group.name).target.replicas * group.hosts - staying[group.name];
    if (missing > 0) report.pending_requests.push_back({group.name, missing, now});
    if (group.backed_off.empty()) continue;
    const auto since = backed_off_since.find(group.name);
    const WallTime failed_at = since == backed_off_since.end() ? now : since->second;
    report.failed_requests.push_back({group.name, std::max<std::int64_t>(1, missing),
                                      group.name + " " + group.backed_off, failed_at, failed_at});
  }
  const auto by_group = [](const auto& left, const auto& right) {
    return left.group < right.group;
  };
  std::sort(report.pending_requests.begin(), report.pending_requests.end(), by_group);
  std::sort(report.failed_requests.begin(), report.failed_requests.end(), by_group);
}

void tell_pods(const PlannerInput& input, AutoscalingReport& report) {
  std::set<std::string> nodes;
  for (const RayNode& node : input.state.nodes)
    if (node.status != RayNodeStatus::Dead)
      nodes.insert(node.instance_id.empty() ? "ip/" + node.ip : node.instance_id);
  for (const WorkerPod& pod : input.pods) {
    if (!stays(input, pod) || nodes.contains(pod.name) || nodes.contains("ip/" + pod.ip)) continue;
    report.pending_pods.push_back({pod.group, pod.name, pod.ip, "the pod is not a Ray node yet"});
  }
  std::sort(report.pending_pods.begin(), report.pending_pods.end(),
            [](const PendingPod& left, const PendingPod& right) { return left.pod < right.pod; });
}

void tell_infeasible(const PlannerDecision& decision, AutoscalingReport& report) {
  for (const UnplacedRequest& each : decision.requests)
    if (each.never) report.infeasible_requests.push_back(each.request);
  for (const UnplacedGang& each : decision.gangs)
    if (each.never) report.infeasible_gangs.push_back(each.gang);
  for (const UnplacedConstraint& each : decision.constraints)
    if (each.never) report.infeasible_constraints.push_back(each.constraint);
}

}  // namespace

AutoscalingReport make_report(const PlannerInput& input, const PlannerDecision& decision,
                              const std::map<std::string, WallTime>& backed_off_since,
                              WallTime now) {
  AutoscalingReport report;
  report.seen_version = input.state.version;
  report.state_version = now.milliseconds;
  tell_groups(input, decision, backed_off_since, report, now);
  tell_pods(input, report);
  tell_infeasible(decision, report);
  return report;
}

ClusterShape cluster_shape(const std::vector<Group>& groups) {
  ClusterShape shape;
  for (const Group& group : groups) {
    const std::int64_t hosts = group.hosts;
    const std::int64_t most = group.suspended ? 0 : std::min(group.replicas_max, k_group_pods_max);
    shape.groups.push_back(
        {group.name, group.capacity, std::min(group.replicas_min, most) * hosts, most * hosts});
  }
  return shape;
}

}  // namespace ray_gitops::autoscaler
