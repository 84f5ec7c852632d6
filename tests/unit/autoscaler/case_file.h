#pragma once
// Inputs of the scheduler as JSON, one list of cases a file, and its decisions as text and JSON.

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "reconcilers/autoscaler/scheduler.h"

namespace ray_gitops::test {

// Members: types, nodes (with Ray's instance statuses), requests, gangs, constraint, max_nodes,
// idle_s, conserve_gpu. Cases are our own: what is wrong in one throws.
autoscaler::SchedulerInput parse_case(const nlohmann::json& from);

// For people and golden files: a line for each launch, termination, unplaced request and kept node.
std::string render_decision(const autoscaler::SchedulerDecision& decision);

// For comparing with another scheduler: launch, terminate, infeasible (counts by shape), gangs
// (details), constraint (that of it something has no place).
nlohmann::json decision_json(const autoscaler::SchedulerDecision& decision);

}  // namespace ray_gitops::test
