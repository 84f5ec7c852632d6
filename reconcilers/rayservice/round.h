#pragma once
// One service's round: facts by reference and the plan under construction, with what reconciling
// and removing have in common.

#include <optional>
#include <string>

#include "reconcilers/model/plan.h"
#include "reconcilers/model/time.h"
#include "reconcilers/parent/parent_round.h"
#include "reconcilers/rayservice/observed.h"

namespace ray_gitops::rayservice {

// Nothing is decided while one of these is Unknown (I1).
std::optional<std::string> first_unknown(const ServiceObserved& observed);

Plan not_yet_known(Phase phase, const std::string& why);

class Round : protected parent::ParentRound {
 public:
  Round(const ObjectKey& key, const ServiceObserved& observed, const std::string& agent_id, Now now)
      : ParentRound(key, observed.refusals, agent_id, now), observed_(observed) {}

 protected:
  const std::vector<ConfigMapView>& children() const { return observed_.children.value(); }
  // Whatever of ours leads to pods. True while there was anything to delete.
  bool remove_services(const std::string& reason);

  const ServiceObserved& observed_;
};

}  // namespace ray_gitops::rayservice
