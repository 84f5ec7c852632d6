#include "reconcilers/raycluster/health.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/raycluster/workers.h"

namespace ray_gitops::raycluster {
namespace {

struct GroupCount {
  std::string name;
  std::int64_t wanted = 0;
  std::int64_t ready = 0;
};

struct Count {
  bool head_ready = false;
  std::vector<GroupCount> groups;
  std::int64_t wanted = 0;
  std::int64_t ready = 0;
  bool surplus = false;
};

Count count_pods(const HealthInput& input) {
  Count count;
  const Census& census = *input.census;
  const bool suspended = input.spec->suspend;
  count.head_ready = census.head != nullptr && census.head->ready && !has_failed(*census.head);
  count.wanted = suspended ? 0 : 1;
  count.ready = count.head_ready ? 1 : 0;
  for (const GroupSpec& group : input.spec->workers) {
    GroupCount entry{group.name, suspended ? 0 : wanted_pods(group), 0};
    const Pods& pods = census.groups.at(group.name);
    for (const PodView* pod : pods)
      if (pod->ready && !has_failed(*pod) && entry.ready < entry.wanted) ++entry.ready;
    if (static_cast<std::int64_t>(pods.size()) > entry.wanted) count.surplus = true;
    count.wanted += entry.wanted;
    count.ready += entry.ready;
    count.groups.push_back(std::move(entry));
  }
  count.surplus = count.surplus || !census.outdated.empty() || !census.undeclared.empty();
  return count;
}

std::string plural(std::int64_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

// The first refusal or pod problem, in a stable order: refusals explain more.
std::string first_problem(const HealthInput& input) {
  for (const auto& [target, refusal] : input.observed->refusals)
    return to_string(target) + ": " + describe(refusal.error);
  const auto problem_of = [](const PodView* pod) {
    return pod->problem.empty() ? std::string{} : pod->meta.key.name + ": " + pod->problem;
  };
  if (input.census->head != nullptr && !input.census->head->ready)
    if (std::string problem = problem_of(input.census->head); !problem.empty()) return problem;
  for (const auto& [group, pods] : input.census->groups)
    for (const PodView* pod : pods)
      if (!pod->ready)
        if (std::string problem = problem_of(pod); !problem.empty()) return problem;
  return {};
}

bool is_taken(const PodView* holder) { return holder != nullptr && !holder->meta.terminating; }

std::string what_is_missing(const HealthInput& input) {
  if (!input.token_problem.empty()) return input.token_problem;
  if (is_taken(input.name_holder))
    return "pod " + input.name_holder->meta.key.name +
           " exists and is not ours; delete it, or rename the cluster";
  if (input.name_holder != nullptr)
    return "an earlier pod " + input.name_holder->meta.key.name + " is still ending";
  if (!input.service_present) return "the head Service is not there as declared";
  return {};
}

std::string progress_message(const HealthInput& input, const Count& count) {
  std::string message =
      std::to_string(count.ready) + " of " + plural(count.wanted, "pod") + " ready";
  if (!input.restarting.empty()) message += "; restarting: " + input.restarting;
  for (const std::string& problem : {what_is_missing(input), first_problem(input)})
    if (!problem.empty()) message += "; " + problem;
  return message;
}

void say(Plan& plan, Phase phase, std::string reason, std::string message) {
  plan.phase = phase;
  plan.reason = std::move(reason);
  plan.message = std::move(message);
}

bool has_taken_name(const HealthInput& input) {
  if (is_taken(input.name_holder) || input.token_name_is_taken) return true;
  const auto& refusals = input.observed->refusals;
  return std::any_of(refusals.begin(), refusals.end(), [](const auto& entry) {
    return entry.second.error.code == ErrorCode::AlreadyExists;
  });
}

// A cluster whose size follows its demand is Ready while it does so.
bool is_scaling(const HealthInput& input, const Count& count) {
  const ClusterObserved& observed = *input.observed;
  return observed.scaling && observed.was_ready && count.head_ready && !input.failing &&
         observed.refusals.empty() && !is_taken(input.name_holder);
}

void choose_phase(const HealthInput& input, const Count& count, Plan& plan) {
  if (input.spec->suspend) {
    const bool gone = count.wanted == 0 && input.census->head == nullptr && !count.surplus &&
                      input.census->leaving.empty();
    say(plan, gone ? Phase::Suspended : Phase::Progressing, gone ? "Suspended" : "Suspending",
        gone ? "suspended by its file; no pods run"
             : "pods are being removed: suspended by its file");
    return;
  }
  const bool settled =
      input.restarting.empty() && input.service_present && input.token_problem.empty();
  if (count.ready == count.wanted && !count.surplus && settled) {
    say(plan, Phase::Ready, "AllPodsReady",
        "the head and " + plural(count.wanted - 1, "worker") + " are ready");
    return;
  }
  if (count.ready == count.wanted && count.surplus && settled && !input.observed->scaling) {
    say(plan, Phase::Progressing, "ScalingDown",
        "all " + plural(count.wanted, "wanted pod") + " are ready; others are leaving");
    return;
  }
  if (is_scaling(input, count) && settled)
    return say(plan, Phase::Ready, "Scaling",
               "the head is ready, and " + std::to_string(count.ready - 1) + " of " +
                   plural(count.wanted - 1, "wanted worker"));
  const std::string message = progress_message(input, count);
  if (!input.restarting.empty()) return say(plan, Phase::Progressing, "Restarting", message);
  if (has_taken_name(input)) return say(plan, Phase::Degraded, "NameTaken", message);
  if (!input.observed->refusals.empty()) return say(plan, Phase::Degraded, "WriteRefused", message);
  if (input.failing) return say(plan, Phase::Degraded, "PodsFailing", message);
  const char* beside = input.token_problem.empty() ? "ServiceNotReady" : "TokenNotReady";
  const bool pods_ready = count.ready == count.wanted;
  if (input.observed->was_ready)
    return say(plan, Phase::Degraded, pods_ready ? beside : "PodsNotReady", message);
  say(plan, Phase::Progressing, pods_ready ? beside : "PodsStarting", message);
}

nlohmann::json ray_facts(const HealthInput& input, const Count& count) {
  nlohmann::json groups = nlohmann::json::array();
  for (const GroupCount& group : count.groups)
    groups.push_back({{"name", group.name}, {"wanted", group.wanted}, {"ready", group.ready}});
  return nlohmann::json{
      {"rayVersion", input.spec->ray_version}, {"headReady", count.head_ready}, {"groups", groups}};
}

}  // namespace

void describe_health(const HealthInput& input, Plan& plan) {
  const Count count = count_pods(input);
  choose_phase(input, count, plan);
  plan.ray = Document{ray_facts(input, count)};
  plan.conditions.push_back({"Ready", plan.phase == Phase::Ready, plan.reason, plan.message});
  plan.conditions.push_back(
      {"HeadReady", count.head_ready, count.head_ready ? "HeadPodReady" : "HeadPodNotReady",
       count.head_ready ? "the head pod is ready" : "the head pod is not ready"});
}

}  // namespace ray_gitops::raycluster
