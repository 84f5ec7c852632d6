#pragma once
// Which object a document is about, before anything else of it is believed.

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/findings.h"
#include "reconcilers/model/object_key.h"

namespace ray_gitops {

struct Identity {
  std::optional<Kind> kind;      // one of ours
  std::optional<ObjectKey> key;  // kind and a name that can be an object's; the namespace resolved
  // The document certainly declares nothing of ours: a well-formed kind of another API group.
  bool foreign = false;
};

// Reads kind, apiVersion and metadata, and adds an error for each that is wrong. Fields of metadata
// that clusters fill in are reported and removed; a wrong apiVersion of one of our kinds is
// reported and corrected, so that the schema does not report either again.
Identity read_identity(nlohmann::json& document, const std::string& default_namespace,
                       Findings& findings);

}  // namespace ray_gitops
