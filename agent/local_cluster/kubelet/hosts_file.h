#pragma once
// /etc/hosts of a pod: in place of cluster DNS, the names of Services and of the pod itself.

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "reconcilers/model/document.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::local_cluster {

constexpr const char* k_cluster_domain = "cluster.local";

// One line for each address of a Service that `pod` can name: its own, or without one (headless)
// those of every ready pod it selects, or of every pod with an address when it publishes those that
// are not ready. Terminating and finished pods have none. Services of the pod's own namespace go by
// their bare name too.
std::string render_hosts_file(const nlohmann::json& pod, const std::string& address,
                              const std::vector<Document>& services,
                              const std::vector<Document>& pods);

// Changes the file without replacing it (pods have it mounted). A reader never sees half of a line
// of the old content after the new one.
Result<void> write_in_place(const std::string& path, std::string_view content);

}  // namespace ray_gitops::local_cluster
