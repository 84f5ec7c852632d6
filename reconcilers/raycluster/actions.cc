#include "reconcilers/raycluster/actions.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace ray_gitops::raycluster {

std::optional<std::string> first_unknown(const ClusterObserved& observed) {
  if (!observed.anchor.is_known()) return observed.anchor.why();
  if (!observed.pods.is_known()) return observed.pods.why();
  if (!observed.services.is_known()) return observed.services.why();
  return std::nullopt;
}

Plan stopped_plan(Phase phase, std::string reason, std::string message) {
  Plan plan;
  plan.phase = phase;
  plan.reason = std::move(reason);
  plan.message = std::move(message);
  plan.conditions = {{"Ready", false, plan.reason, plan.message}};
  return plan;
}

void look_again_at(Plan& plan, std::optional<Instant> when) {
  if (when && (!plan.next_look_at || *when < *plan.next_look_at)) plan.next_look_at = when;
}

Action delete_action(const ObjectMeta& meta, Wave wave, std::string reason) {
  return {.verb = Verb::Delete,
          .target = meta.key,
          .body = {},
          .preconditions = {.uid = meta.uid, .resource_version = {}},
          .wave = wave,
          .reason = std::move(reason)};
}

void sort_actions(std::vector<Action>& actions) {
  std::sort(actions.begin(), actions.end(), [](const Action& left, const Action& right) {
    return std::tie(left.wave, left.target, left.verb) <
           std::tie(right.wave, right.target, right.verb);
  });
}

void report_refusal(Plan& plan, Phase phase, const ClusterObserved& observed) {
  for (const Action& action : plan.actions) {
    const auto refusal = observed.refusals.find(action.target);
    if (refusal == observed.refusals.end()) continue;
    plan.phase = phase;
    plan.reason = "WriteRefused";
    plan.message += "; " + to_string(action.target) + ": " + describe(refusal->second.error);
    plan.conditions = {{"Ready", false, plan.reason, plan.message}};
    return;
  }
}

}  // namespace ray_gitops::raycluster
