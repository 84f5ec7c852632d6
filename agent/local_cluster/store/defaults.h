#pragma once
// What the API server fills in.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "agent/local_cluster/store/resource_types.h"

namespace ray_gitops::local_cluster {

// Before an object is stored for the first time: the status it starts with (what the client sent
// as status is dropped, a Node's excepted), a Secret's stringData, a Namespace's label.
void prepare_new(const ResourceType& type, nlohmann::json& object);
// Empty maps and lists that the server's types leave out (Go's omitempty) are taken away.
void drop_empty(const ResourceType& type, nlohmann::json& object);
// The same, and defaults of the fields that are missing; of those the kubelet, the agent or kubectl
// read.
void fill_defaults(const ResourceType& type, nlohmann::json& object);

}  // namespace ray_gitops::local_cluster
