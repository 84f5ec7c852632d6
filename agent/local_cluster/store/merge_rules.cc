#include "agent/local_cluster/store/merge_rules.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/store/json_path.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

struct KeyedField {
  std::string_view field;
  std::array<std::string_view, 2> keys;
};

constexpr std::array k_keyed_fields{
    KeyedField{"containers", {"name"}},
    KeyedField{"initContainers", {"name"}},
    KeyedField{"ephemeralContainers", {"name"}},
    KeyedField{"env", {"name"}},
    KeyedField{"volumes", {"name"}},
    KeyedField{"volumeMounts", {"mountPath"}},
    KeyedField{"volumeDevices", {"devicePath"}},
    KeyedField{"imagePullSecrets", {"name"}},
    KeyedField{"hostAliases", {"ip"}},
    KeyedField{"topologySpreadConstraints", {"topologyKey", "whenUnsatisfiable"}},
    KeyedField{"ownerReferences", {"uid"}},
    KeyedField{"conditions", {"type"}},
    KeyedField{"podIPs", {"ip"}},
    KeyedField{"addresses", {"type"}},
};

// Objects that are one value (x-kubernetes-map-type: atomic).
constexpr std::array<std::string_view, 17> k_atomic_objects{
    "selector",        "nodeSelector",      "labelSelector",    "fieldRef",
    "configMapKeyRef", "secretKeyRef",      "resourceFieldRef", "imagePullSecrets",
    "targetRef",       "involvedObject",    "ownerReferences",  "claimRef",
    "podAffinityTerm", "namespaceSelector", "podSelector",      "roleRef",
    "dataSource"};

constexpr std::array<std::string_view, 10> k_unowned_metadata{
    "name",     "namespace",  "uid",           "resourceVersion",   "creationTimestamp",
    "selfLink", "generation", "managedFields", "deletionTimestamp", "deletionGracePeriodSeconds"};

bool has_containers(std::string_view kind) {
  return kind == "Pod" || kind == "Deployment" || kind == "StatefulSet" || kind == "Job";
}

MergeRule rule_of_list(const Place& place) {
  if (place.field == "finalizers") return {Shape::Set, {}};
  if (place.field == "ports") {
    if (place.kind == "Service" && place.parent == "spec")
      return {Shape::KeyedList, {"port", "protocol"}};
    if (has_containers(place.kind)) return {Shape::KeyedList, {"containerPort", "protocol"}};
    return {};
  }
  const bool is_plain = place.kind == "EndpointSlice" || place.kind == "HTTPRoute" ||
                        place.field == "volumeClaimTemplates";
  if (is_plain && place.parent != "metadata") return {};
  if (place.kind == "ServiceAccount" && place.field == "secrets")
    return {Shape::KeyedList, {"name"}};
  if (place.kind == "ServiceAccount" && place.field == "imagePullSecrets") return {};
  const auto found = std::ranges::find(k_keyed_fields, place.field, &KeyedField::field);
  if (found == k_keyed_fields.end()) return {};
  MergeRule rule{Shape::KeyedList, {found->keys[0]}};
  if (!found->keys[1].empty()) rule.keys.push_back(found->keys[1]);
  return rule;
}

bool is_unowned(const Place& place) {
  if (place.parent.empty()) return place.field == "apiVersion" || place.field == "kind";
  return place.parent == "metadata" && std::ranges::count(k_unowned_metadata, place.field) > 0;
}

Place child_of(const Place& place, std::string_view field) {
  return {.kind = place.kind, .parent = place.field, .field = field, .is_item = false};
}

Place item_of(const Place& place) {
  return {.kind = place.kind, .parent = place.parent, .field = place.field, .is_item = true};
}

std::map<std::string, const json*> items_by_element(const MergeRule& rule, const json* list) {
  std::map<std::string, const json*> items;
  if (list == nullptr || !list->is_array()) return items;
  for (const json& item : *list) items.emplace(element_of(rule, item), &item);
  return items;
}

std::map<std::string, const json*> children_of(const MergeRule& rule, const json* value) {
  if (rule.shape != Shape::Map) return items_by_element(rule, value);
  std::map<std::string, const json*> children;
  if (value == nullptr || !value->is_object()) return children;
  for (const auto& [name, child] : value->items()) children.emplace("f:" + name, &child);
  return children;
}

// Which objects and lists are fields of their own beside what is in them.
enum class Containers : std::uint8_t {
  New,       // those that were not there before, as the real server records updates
  EmptyOnly  // objects without content, as it reads configurations
};

// Members that every object has, because the server's types have them as plain structures.
bool is_always_there(const Place& place) {
  if (place.is_item) return false;
  const bool is_structure = place.field == "metadata" || place.field == "spec" ||
                            place.field == "status" || place.field == "template";
  if (is_structure &&
      (place.parent.empty() || place.parent == "template" || place.parent == "spec"))
    return true;
  return place.field == "containers" || (place.kind == "Service" && place.field == "loadBalancer");
}

class Comparer {
 public:
  explicit Comparer(Containers containers) : containers_(containers) {}

  // Either may be null (absent), not both.
  FieldChanges compare(const Place& place, const json* before, const json* after) const {
    const MergeRule rule = rule_of(place, after != nullptr ? *after : *before);
    FieldChanges changes;
    if (before != nullptr && after != nullptr && *before == *after) return changes;
    if (rule.shape != Shape::Value) {
      compare_children(place, rule, before, after, changes);
      changes.changed.member = before == nullptr && is_member(place, *after);
    } else {
      changes.changed.member = after != nullptr;
    }
    changes.removed.member = after == nullptr;
    return changes;
  }

 private:
  bool is_member(const Place& place, const json& container) const {
    if (place.is_item) return true;
    if (containers_ == Containers::New) return !is_always_there(place);
    return container.is_object() && container.empty();
  }

  void compare_children(const Place& place, const MergeRule& rule, const json* before,
                        const json* after, FieldChanges& changes) const {
    const auto old_children = children_of(rule, before);
    const auto new_children = children_of(rule, after);
    for (const auto& [element, value] : new_children) {
      const auto old = old_children.find(element);
      add_child(place, element, old == old_children.end() ? nullptr : old->second, value, changes);
    }
    for (const auto& [element, value] : old_children)
      if (!new_children.contains(element)) add_child(place, element, value, nullptr, changes);
  }

  void add_child(const Place& place, const std::string& element, const json* before,
                 const json* after, FieldChanges& changes) const {
    const bool is_field = element.starts_with("f:");
    const std::string_view name = std::string_view(element).substr(2);
    const Place child = is_field ? child_of(place, name) : item_of(place);
    if (is_field && is_unowned(child)) return;
    FieldChanges below = compare(child, before, after);
    if (!below.changed.empty()) changes.changed.children.emplace(element, std::move(below.changed));
    if (!below.removed.empty()) changes.removed.children.emplace(element, std::move(below.removed));
  }

  Containers containers_;
};

void merge_into(const Place& place, json& live, const json& configuration);

void find_duplicates(const Place& place, const json& value, FieldSet& found);

void find_duplicates_below(const Place& place, const std::string& element, const json& value,
                           FieldSet& found) {
  FieldSet below;
  find_duplicates(place, value, below);
  if (!below.empty()) found.children.emplace(element, std::move(below));
}

void find_duplicates(const Place& place, const json& value, FieldSet& found) {
  const MergeRule rule = rule_of(place, value);
  if (rule.shape == Shape::Value) return;
  if (rule.shape == Shape::Map) {
    for (const auto& [name, child] : value.items())
      find_duplicates_below(child_of(place, name), "f:" + name, child, found);
    return;
  }
  std::set<std::string> seen;
  for (const json& item : value) {
    const std::string element = element_of(rule, item);
    if (!seen.insert(element).second)
      found.children[element].member = true;
    else
      find_duplicates_below(item_of(place), element, item, found);
  }
}

// Merges two lists item by item: what both have stands in the order of the configuration, what one
// alone has stays between its neighbours (structured-merge-diff does it so).
class ListMerge {
 public:
  ListMerge(const Place& place, const MergeRule& rule, const json& live, const json& configuration)
      : place_(place), live_(live), configuration_(configuration) {
    for (const json& item : live) old_.push_back(element_of(rule, item));
    for (const json& item : configuration) new_.push_back(element_of(rule, item));
    for (std::size_t at = 0; at < old_.size(); ++at) positions_.emplace(old_[at], at);
    wanted_.insert(new_.begin(), new_.end());
    for (const std::string& element : new_)
      if (positions_.contains(element)) shared_.push_back(element);
  }

  json run() {
    while (at_old_ < old_.size() || at_new_ < new_.size())
      if (!pass_old()) take_new();
    return std::move(merged_);
  }

 private:
  // Whether the next live item was dealt with by itself.
  bool pass_old() {
    if (at_old_ == old_.size()) return false;
    const std::string& element = old_[at_old_];
    if (!wanted_.contains(element)) {
      merged_.push_back(live_[at_old_++]);
      return true;
    }
    // Its turn comes with the configuration's items; others stand there before, or stood.
    if (!shared_.empty() && shared_.front() == element) return false;
    ++at_old_;
    return true;
  }

  void take_new() {
    const std::string& element = new_[at_new_];
    const auto found = positions_.find(element);
    if (found == positions_.end()) {
      merged_.push_back(configuration_[at_new_++]);
      return;
    }
    merged_.push_back(live_[found->second]);
    merge_into(item_of(place_), merged_.back(), configuration_[at_new_++]);
    shared_.pop_front();
  }

  const Place& place_;
  const json& live_;
  const json& configuration_;
  std::vector<std::string> old_;
  std::vector<std::string> new_;
  std::map<std::string, std::size_t> positions_;  // in old_
  std::set<std::string> wanted_;                  // new_
  std::deque<std::string> shared_;                // of new_, those still to come that old_ has
  std::size_t at_old_ = 0;
  std::size_t at_new_ = 0;
  json merged_ = json::array();
};

void merge_into(const Place& place, json& live, const json& configuration) {
  const MergeRule rule = rule_of(place, configuration);
  if (rule.shape == Shape::Value || live.type() != configuration.type()) {
    live = configuration;
  } else if (rule.shape == Shape::Map) {
    for (const auto& [name, value] : configuration.items()) {
      const auto found = live.find(name);
      if (found == live.end())
        live[name] = value;
      else
        merge_into(child_of(place, name), *found, value);
    }
  } else {
    live = ListMerge(place, rule, live, configuration).run();
  }
}

void remove_from(const Place& place, json& value, const FieldSet& fields);

// Whether `value` itself must go: it is named, or is empty now and was not.
bool must_go(const Place& place, json& value, const FieldSet& fields) {
  if (fields.member) return true;
  const bool was_empty = value.empty();
  remove_from(place, value, fields);
  return value.is_structured() && value.empty() && !was_empty;
}

void remove_from(const Place& place, json& value, const FieldSet& fields) {
  const MergeRule rule = rule_of(place, value);
  if (rule.shape == Shape::Value) return;
  if (rule.shape == Shape::Map) {
    for (const auto& [element, child] : fields.children) {
      const auto found = value.find(element.substr(2));
      if (found == value.end()) continue;
      if (must_go(child_of(place, std::string_view(element).substr(2)), *found, child))
        value.erase(found);
    }
    return;
  }
  json kept = json::array();
  for (json& item : value) {
    const auto child = fields.children.find(element_of(rule, item));
    if (child == fields.children.end() || !must_go(item_of(place), item, child->second))
      kept.push_back(std::move(item));
  }
  value = std::move(kept);
}

Place root_of(std::string_view kind) {
  return {.kind = kind, .parent = {}, .field = {}, .is_item = false};
}

}  // namespace

MergeRule rule_of(const Place& place, const json& value) {
  if (value.is_array()) return place.is_item ? MergeRule{} : rule_of_list(place);
  if (!value.is_object()) return {};
  if (std::ranges::count(k_atomic_objects, place.field) > 0) return {};
  return {Shape::Map, {}};
}

std::string element_of(const MergeRule& rule, const json& item) {
  if (rule.shape == Shape::Set) return "v:" + dump_json(item);
  json keys = json::object();
  for (const std::string_view key : rule.keys) {
    if (item.is_object() && item.contains(key))
      keys[std::string(key)] = item[std::string(key)];
    else if (key == "protocol")
      keys["protocol"] = "TCP";
  }
  return "k:" + dump_json(keys);
}

FieldChanges compare_fields(std::string_view kind, const json& before, const json& after) {
  FieldChanges changes = Comparer(Containers::New).compare(root_of(kind), &before, &after);
  changes.changed.member = false;
  return changes;
}

FieldSet fields_of(std::string_view kind, const json& object) {
  FieldSet fields =
      Comparer(Containers::EmptyOnly).compare(root_of(kind), nullptr, &object).changed;
  fields.member = false;
  return fields;
}

FieldSet duplicates_in(std::string_view kind, const json& object) {
  FieldSet found;
  find_duplicates(root_of(kind), object, found);
  return found;
}

json merge_objects(std::string_view kind, json live, const json& configuration) {
  merge_into(root_of(kind), live, configuration);
  return live;
}

void remove_fields(std::string_view kind, json& object, const FieldSet& fields) {
  remove_from(root_of(kind), object, fields);
}

}  // namespace ray_gitops::local_cluster
