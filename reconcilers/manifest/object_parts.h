#pragma once
// Pieces that several manifests share.

#include <string>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/service.h"

namespace ray_gitops {

// A controller owner reference to the anchor: what the cluster collects when the anchor goes.
nlohmann::json owner_reference(const OwnerFacts& owner);

// The labels that the head Service selects and its pods carry (KubeRay).
nlohmann::json head_selector(const std::string& cluster);

// The member when it is a string, else empty: users' files may hold anything at a place.
std::string text_member(const nlohmann::json& object, const char* name);

// The value at /metadata/<part> of a template or Service, as an object; empty when there is none.
nlohmann::json metadata_map(const nlohmann::json& object, const char* part);

}  // namespace ray_gitops
