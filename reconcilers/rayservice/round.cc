#include "reconcilers/rayservice/round.h"

namespace ray_gitops::rayservice {

std::optional<std::string> first_unknown(const ServiceObserved& observed) {
  if (!observed.anchor.is_known()) return observed.anchor.why();
  if (!observed.children.is_known()) return observed.children.why();
  if (!observed.clusters.is_known()) return observed.clusters.why();
  if (!observed.services.is_known()) return observed.services.why();
  return std::nullopt;
}

Plan not_yet_known(Phase phase, const std::string& why) {
  Plan plan = parent::not_yet_known(phase, why);
  plan.conditions = {{"Ready", false, plan.reason, plan.message}};
  return plan;
}

bool Round::remove_services(const std::string& reason) {
  bool any = false;
  for (const ServiceView& service : observed_.services.value()) {
    if (service.meta.terminating) continue;
    any = true;
    remove(service.meta, reason);
  }
  return any;
}

}  // namespace ray_gitops::rayservice
