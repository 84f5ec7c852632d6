#pragma once
// How each checker is made; what it checks is said in its file.

#include "tests/simulation/checkers/checker.h"

namespace ray_gitops::simulation {

std::unique_ptr<Checker> make_ownership_checker(const Scene& scene);
std::unique_ptr<Checker> make_precondition_checker(const Scene& scene);
std::unique_ptr<Checker> make_unknown_checker(const Scene& scene);
std::unique_ptr<Checker> make_deletion_checker(const Scene& scene);
std::unique_ptr<Checker> make_guard_checker(const Scene& scene);
std::unique_ptr<Checker> make_flight_checker(const Scene& scene);
std::unique_ptr<Checker> make_lease_checker(const Scene& scene);
std::unique_ptr<Checker> make_order_checker(const Scene& scene);
std::unique_ptr<Checker> make_readiness_checker(const Scene& scene);
std::unique_ptr<Checker> make_commit_checker(const Scene& scene);
std::unique_ptr<Checker> make_forward_checker(const Scene& scene);
std::unique_ptr<Checker> make_pace_checker(const Scene& scene);
std::unique_ptr<Checker> make_silence_checker(const Scene& scene);
std::unique_ptr<Checker> make_job_once_checker(const Scene& scene);
std::unique_ptr<Checker> make_outcome_first_checker(const Scene& scene);
std::unique_ptr<Checker> make_ledger_checker(const Scene& scene);
std::unique_ptr<Checker> make_service_switch_checker(const Scene& scene);
std::unique_ptr<Checker> make_service_gap_checker(const Scene& scene);
std::unique_ptr<Checker> make_service_names_checker(const Scene& scene);
std::unique_ptr<Checker> make_scaling_checker(const Scene& scene);
std::unique_ptr<Checker> make_quota_checker(const Scene& scene);
std::unique_ptr<Checker> make_token_checker(const Scene& scene);
std::unique_ptr<Checker> make_reach_checker(const Scene& scene);

}  // namespace ray_gitops::simulation
