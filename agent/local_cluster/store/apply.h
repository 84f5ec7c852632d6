#pragma once
// Who owns which field: metadata.managedFields, and the two ways of writing that respect it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/local_cluster/store/api_error.h"
#include "agent/local_cluster/store/resource_types.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::local_cluster {

struct FieldManager {
  std::string name;
  std::string subresource;  // "status" or empty
  WallTime now;
};

// That an item of a keyed list or a set stands twice in a configuration as it was sent.
std::optional<ApiError> check_duplicates(const ResourceType& type,
                                         const nlohmann::json& configuration);

// Server-side apply: `configuration` into `live` (null when there is no object yet). A field that
// another manager owns with another value is a Conflict with one FieldManagerConflict cause a
// field, unless `force` takes it. What the manager applied before and leaves out now is removed
// when nobody else owns it. An apply that changes nothing answers exactly `live`.
ApiResult<nlohmann::json> merge_applied(const ResourceType& type, const nlohmann::json& live,
                                        const nlohmann::json& configuration,
                                        const FieldManager& manager, bool force);

// Any other write: what changed between `live` (null for a new object) and `next` becomes the
// manager's, nobody else's. Sets managedFields of `next`; leaves them alone when nothing changed.
void record_update(const ResourceType& type, const nlohmann::json& live, nlohmann::json& next,
                   const FieldManager& manager);

}  // namespace ray_gitops::local_cluster
