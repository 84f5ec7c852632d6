#pragma once
// What to tell people about a service.

#include <optional>
#include <string>
#include <vector>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/document.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/service_state.h"
#include "reconcilers/model/time.h"
#include "reconcilers/parent/parent_round.h"
#include "reconcilers/rayservice/serve.h"

namespace ray_gitops::rayservice {

// A head that does not answer says nothing of the traffic, and one answer may be lost: with a pause
// before it and a time limit after it, the next one comes 10 s after the last.
inline constexpr Duration k_silence_patience = std::chrono::seconds(30);

// Of a cluster by itself. `has_served`: it is the active one, so that what is wrong with it means
// Degraded, not Progressing or Failed.
parent::Words words_for(const ClusterNews& news, const RayServiceSpec& spec, ServeStage stage,
                        bool has_served);

// Until when a cluster that was well is called well; nullopt where there is nothing to wait for.
std::optional<Instant> well_until(const ClusterNews& news, const RayServiceSpec& spec,
                                  ServeStage stage);

// Of a service that has an active cluster and another that is to take its place. `old` and `next`
// are those of the two by themselves.
parent::Words words_for_upgrade(const std::string& active, const parent::Words& old,
                                const parent::Words& next);

// Ready (traffic is served) and UpgradeInProgress, with KubeRay's reasons where it has them.
// `active`: of the active cluster by itself; nullptr without one.
std::vector<Condition> conditions_of(const Plan& plan, const parent::Words* active,
                                     bool is_upgrading);

// {"cluster", "upgradingTo", "applications": {name: {"status", "deployments": {name: {"status",
// "replicas": {state: count}}}}}, "servingPods"}: of the active cluster, or of the wanted one
// before there is one. No counter and no time is in it.
Document ray_facts(const ClusterNews& news, const std::string& upgrading_to);

}  // namespace ray_gitops::rayservice
