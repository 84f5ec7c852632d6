#pragma once
// A set of fields of an object, in the shape of Kubernetes' fieldsV1: a tree whose edges are path
// elements, "f:NAME" (a field), "k:{KEYS}" (an item of a keyed list) or "v:VALUE" (of a set).

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ray_gitops::local_cluster {

struct FieldSet {
  bool member = false;  // the path to here is in the set
  std::map<std::string, FieldSet> children;

  bool empty() const { return !member && children.empty(); }
  friend bool operator==(const FieldSet&, const FieldSet&) = default;
};

FieldSet unite(const FieldSet& left, const FieldSet& right);
FieldSet subtract(const FieldSet& left, const FieldSet& right);
FieldSet intersect(const FieldSet& left, const FieldSet& right);
// The set with every ancestor of its members a member too.
FieldSet with_ancestors(const FieldSet& set);

nlohmann::json to_fields_v1(const FieldSet& set);
// What is not a field set reads as the empty one.
FieldSet parse_fields_v1(const nlohmann::json& fields);
// ".spec.containers[name=\"a\"].image" of each member, the way the real server writes paths.
std::vector<std::string> render_paths(const FieldSet& set);

}  // namespace ray_gitops::local_cluster
