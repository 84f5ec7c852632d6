#include "reconcilers/model/ray_head.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace ray_gitops {
namespace {

constexpr std::array<const char*, 6> k_verbs{"get version", "get job",   "submit job",
                                             "stop job",    "get Serve", "put Serve configuration"};
constexpr std::array<const char*, 5> k_statuses{"PENDING", "RUNNING", "STOPPED", "SUCCEEDED",
                                                "FAILED"};
constexpr std::array<const char*, 6> k_application_statuses{
    "NOT_STARTED", "DEPLOYING", "DEPLOY_FAILED", "RUNNING", "UNHEALTHY", "DELETING"};

}  // namespace

const char* name_of(RayVerb verb) { return k_verbs.at(static_cast<std::size_t>(verb)); }
const char* name_of(RayJobStatus status) { return k_statuses.at(static_cast<std::size_t>(status)); }
const char* name_of(ServeApplicationStatus status) {
  return k_application_statuses.at(static_cast<std::size_t>(status));
}

bool is_serving(const ServeInfo& info) {
  return !info.applications.empty() &&
         std::all_of(info.applications.begin(), info.applications.end(), [](const auto& entry) {
           return entry.second.status == ServeApplicationStatus::Running;
         });
}

}  // namespace ray_gitops
