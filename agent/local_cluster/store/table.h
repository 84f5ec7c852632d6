#pragma once
// Tables (meta.k8s.io/v1): the columns `kubectl get` shows, as the real server computes them.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/local_cluster/store/api.h"
#include "agent/local_cluster/store/resource_types.h"
#include "reconcilers/model/document.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::local_cluster {

nlohmann::json render_table(const ResourceType& type, const std::vector<Document>& objects,
                            TableObjects carried, WallTime now);
// "Metadata" (also for ""), "None", "Object", as the query's includeObject has it.
TableObjects parse_table_objects(const std::string& text);
// "5s", "3m2s", "17d", the way kubectl shows an age.
std::string render_age(WallTime since, WallTime now);

}  // namespace ray_gitops::local_cluster
