#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {

Checkers make_checkers(const Scene& scene) {
  Checkers checkers;
  for (auto* make :
       {make_ownership_checker,     make_precondition_checker,   make_unknown_checker,
        make_deletion_checker,      make_guard_checker,          make_flight_checker,
        make_lease_checker,         make_order_checker,          make_readiness_checker,
        make_commit_checker,        make_forward_checker,        make_pace_checker,
        make_silence_checker,       make_job_once_checker,       make_outcome_first_checker,
        make_ledger_checker,        make_service_switch_checker, make_service_gap_checker,
        make_service_names_checker, make_scaling_checker,        make_quota_checker,
        make_token_checker,         make_reach_checker})
    checkers.push_back(make(scene));
  return checkers;
}

}  // namespace ray_gitops::simulation
