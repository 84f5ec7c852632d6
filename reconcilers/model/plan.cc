#include "reconcilers/model/plan.h"

#include <array>
#include <cstddef>

namespace ray_gitops {
namespace {

constexpr std::array<const char*, 4> k_verbs{"create", "apply", "replace", "delete"};
constexpr std::array<const char*, 12> k_phases{"Pending", "Applying",  "Progressing", "Ready",
                                               "Running", "Succeeded", "Degraded",    "Failed",
                                               "Blocked", "Suspended", "Removing",    "Held"};

}  // namespace

const char* name_of(Verb verb) { return k_verbs.at(static_cast<std::size_t>(verb)); }
const char* name_of(Phase phase) { return k_phases.at(static_cast<std::size_t>(phase)); }

std::string render(const Plan& plan) {
  std::string text =
      std::string(name_of(plan.phase)) + " " + plan.reason + ": " + plan.message + "\n";
  for (const Action& action : plan.actions)
    text += std::string("  ") + name_of(action.verb) + " " + to_string(action.target) + ": " +
            action.reason + "\n";
  for (const Retirement& retirement : plan.retirements)
    text += "  retire " + to_string(retirement.cluster) + ": " + retirement.reason + "\n";
  for (const RayRequest& request : plan.ray_requests)
    text += std::string("  ask Ray: ") + name_of(request.verb) + " " +
            (request.submission_id.empty() ? request.cluster : request.submission_id) + ": " +
            request.reason + "\n";
  return text;
}

}  // namespace ray_gitops
