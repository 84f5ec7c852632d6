#include "reconcilers/autoscaler/why.h"

#include <algorithm>
#include <utility>

#include "reconcilers/autoscaler/explain.h"

namespace ray_gitops::autoscaler {
namespace {

using Reasons = std::map<std::string, std::string>;  // by pod

// What is said of removals under way counts more than what a plan says of the others.
Reasons pod_reasons(const RoundInput& input, const Round& round) {
  Reasons reasons;
  for (const PodDeletion& each : round.step.deletions)
    reasons[each.pod] = "is deleted: " + each.reason;
  for (const PodReason& each : round.step.waiting)
    reasons.try_emplace(each.pod, "leaves, and waits: " + each.reason);
  for (const GivenUp& each : round.step.given_up)
    reasons.try_emplace(each.pod, "stays after all: " + each.reason);
  for (const Removal& each : input.saved.removals)
    reasons.try_emplace(each.pod, "leaves: " + each.reason);
  if (!round.decision) return reasons;
  for (const PodReason& each : round.admission.waiting)
    reasons.try_emplace(each.pod, "is to leave, and waits: " + each.reason);
  for (const RemovalWish& each : round.decision->removals)
    reasons.try_emplace(each.pod, "is to leave: " + each.reason);
  for (const PodReason& each : round.decision->kept)
    reasons.try_emplace(each.pod, "stays: " + each.reason);
  return reasons;
}

std::string reason_of(const WorkerPod& pod, const Reasons& reasons) {
  if (pod.terminating) return "is ending";
  if (pod.ended) return "has ended, and is replaced if it is wanted";
  const auto found = reasons.find(pod.name);
  return found == reasons.end() ? "stays" : found->second;
}

std::string render_pods(const RoundInput& input, const Reasons& reasons, const std::string& group,
                        const std::string& only) {
  std::vector<const WorkerPod*> pods;
  for (const WorkerPod& pod : input.pods)
    if (pod.group == group && (only.empty() || pod.name == only)) pods.push_back(&pod);
  std::sort(pods.begin(), pods.end(),
            [](const WorkerPod* left, const WorkerPod* right) { return left->name < right->name; });
  std::string text;
  for (const WorkerPod* pod : pods)
    text += "  " + pod->name + " " + reason_of(*pod, reasons) + "\n";
  return text;
}

std::int64_t hosts_of(const RoundInput& input, const std::string& group) {
  for (const GroupSpec& each : input.spec->workers)
    if (each.name == group) return each.hosts;
  return 1;
}

std::string render_group(const RoundInput& input, const Round& round, const std::string& group) {
  const auto target = round.next.targets.find(group);
  const auto pods = std::count_if(input.pods.begin(), input.pods.end(),
                                  [&](const WorkerPod& pod) { return pod.group == group; });
  std::string text = "group " + group + ": ";
  text += target == round.next.targets.end()
              ? "it is not in the file any more"
              : "wants " + std::to_string(target->second.replicas * hosts_of(input, group));
  text += ", has " + std::to_string(pods);
  if (!round.decision) return text + "\n";
  const auto decided = round.decision->groups.find(group);
  return text + (decided == round.decision->groups.end() ? "" : ": " + decided->second.reason) +
         "\n";
}

// Those of the file, in its order, then those whose pods have outlived them.
std::vector<std::string> groups_in_order(const RoundInput& input) {
  std::vector<std::string> groups;
  groups.reserve(input.spec->workers.size());
  for (const GroupSpec& group : input.spec->workers) groups.push_back(group.name);
  for (const WorkerPod& pod : input.pods)
    if (std::find(groups.begin(), groups.end(), pod.group) == groups.end())
      groups.push_back(pod.group);
  return groups;
}

std::string sentence(const std::string& what, const Unplaced& unplaced) {
  return what + (unplaced.never ? " can never be placed: " : " has no place now: ") +
         unplaced.reason;
}

// Ray: "<placement group, hex>:<STRATEGY>|<STATE>".
std::string strategy_of(const GangRequest& gang) {
  const std::size_t begin = gang.details.find(':') + 1;
  return gang.details.substr(begin, gang.details.find('|', begin) - begin);
}

}  // namespace

std::vector<std::string> unplaced_demand(const PlannerDecision& decision) {
  std::vector<std::string> sentences;
  sentences.reserve(decision.requests.size() + decision.gangs.size() + decision.constraints.size());
  for (const UnplacedRequest& each : decision.requests)
    sentences.push_back(sentence(render_shape(each.request), each));
  for (const UnplacedGang& each : decision.gangs)
    sentences.push_back(sentence("a placement group (" + strategy_of(each.gang) + ")", each));
  for (const UnplacedConstraint& each : decision.constraints)
    sentences.push_back(sentence("what request_resources() asks for", each));
  return sentences;
}

std::string render_why(const RoundInput& input, const Round& round, const std::string& pod) {
  const Reasons reasons = pod_reasons(input, round);
  std::string text;
  for (const std::string& group : groups_in_order(input)) {
    const std::string pods = render_pods(input, reasons, group, pod);
    if (pod.empty() || !pods.empty()) text += render_group(input, round, group) + pods;
  }
  if (!round.decision && !text.empty()) text += "not planned: " + input.state.why() + "\n";
  if (round.decision && pod.empty())
    for (const std::string& each : unplaced_demand(*round.decision)) text += each + "\n";
  return text;
}

}  // namespace ray_gitops::autoscaler
