#pragma once
// The schemas of what users write, parsed and compiled once.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/path.h"
#include "reconcilers/declaration/schema_validator.h"
#include "reconcilers/model/object_key.h"

namespace ray_gitops {

enum class SchemaId : std::uint8_t {
  RayCluster,
  RayJob,
  RayService,
  RayCronJob,
  AutoscalerPolicy,
  Namespace,
  ConfigMap,
  Secret,
  Companion,  // of every other kind: its metadata only, the rest is for the API server to judge
  AgentConfig
};

SchemaId schema_of(Kind kind);

class Schema {
 public:
  explicit Schema(std::string_view text);

  static const Schema& of(SchemaId id);

  const nlohmann::json& root() const { return root_; }
  const SchemaValidator& validator() const { return validator_; }

  // The node that a `$ref` names, or the node itself.
  const nlohmann::json& resolve(const nlohmann::json& node) const;
  // The node that describes a member of an object (a key) or of a list ("[3]"), resolved; null when
  // there is none.
  const nlohmann::json* child(const nlohmann::json& node, const std::string& step) const;
  // The node at the end of a path into an instance, or null.
  const nlohmann::json* find(const Path& path) const;

 private:
  nlohmann::json root_;
  SchemaValidator validator_;
};

// One value of an instance together with what its schema says.
struct SchemaVisit {
  const Path& path;
  const nlohmann::json& value;
  const nlohmann::json& node;   // resolved
  std::string_view definition;  // whose property this is ("HeadGroupSpec"), or ""
  std::string_view field;       // the property's name, or ""
};

// Calls `visit` for every value that the schema describes, parents first; its answer says whether
// to go on into the value's parts.
void walk(const Schema& schema, const nlohmann::json& instance,
          const std::function<bool(const SchemaVisit&)>& visit);

// Removes fields that are null where the schema knows them: null is absent, as in Kubernetes. Null
// under a key of the user's own (a label, a start parameter) stays, and is no string.
void drop_nulls(const Schema& schema, nlohmann::json& instance);

}  // namespace ray_gitops
