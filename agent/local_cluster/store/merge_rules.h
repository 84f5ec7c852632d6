#pragma once
// How fields of an object are compared, merged and owned: which lists are keyed and by what, which
// objects are one value. Taken from the merge markers of the Kubernetes API types; the types served
// here need no more of them.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/local_cluster/store/field_set.h"

namespace ray_gitops::local_cluster {

enum class Shape : std::uint8_t {
  Value,      // replaced and owned as a whole: scalars, most lists, a few objects
  Map,        // merged key by key
  KeyedList,  // of objects, merged by their keys
  Set         // a list of distinct scalars
};

struct MergeRule {
  Shape shape = Shape::Value;
  std::vector<std::string_view> keys;  // of a keyed list
};

// Where a value stands: the kind of the object, the names of its parent field and its own field
// (items of a list have the name of the list).
struct Place {
  std::string_view kind;
  std::string_view parent;
  std::string_view field;
  bool is_item = false;
};

MergeRule rule_of(const Place& place, const nlohmann::json& value);
// "k:{...}" or "v:..." of an item; missing keys have their defaults (protocol TCP).
std::string element_of(const MergeRule& rule, const nlohmann::json& item);

struct FieldChanges {
  FieldSet changed;  // added or of another value
  FieldSet removed;
};

// What differs between two states of one object, without what no manager owns (identity, versions,
// managedFields).
FieldChanges compare_fields(std::string_view kind, const nlohmann::json& before,
                            const nlohmann::json& after);
// All fields that a configuration speaks about.
FieldSet fields_of(std::string_view kind, const nlohmann::json& object);
// Items of keyed lists and sets that stand there twice.
FieldSet duplicates_in(std::string_view kind, const nlohmann::json& object);
// `configuration` merged into `live` by the rules.
nlohmann::json merge_objects(std::string_view kind, nlohmann::json live,
                             const nlohmann::json& configuration);
// Removes these fields, and objects and lists that are empty for it.
void remove_fields(std::string_view kind, nlohmann::json& object, const FieldSet& fields);

}  // namespace ray_gitops::local_cluster
