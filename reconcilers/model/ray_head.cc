#include "reconcilers/model/ray_head.h"

#include <array>
#include <cstddef>

namespace ray_gitops {
namespace {

constexpr std::array<const char*, 4> k_verbs{"get version", "get job", "submit job", "stop job"};
constexpr std::array<const char*, 5> k_statuses{"PENDING", "RUNNING", "STOPPED", "SUCCEEDED",
                                                "FAILED"};

}  // namespace

const char* name_of(RayVerb verb) { return k_verbs.at(static_cast<std::size_t>(verb)); }
const char* name_of(RayJobStatus status) { return k_statuses.at(static_cast<std::size_t>(status)); }

}  // namespace ray_gitops
