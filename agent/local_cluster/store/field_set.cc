#include "agent/local_cluster/store/field_set.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/store/json_path.h"

namespace ray_gitops::local_cluster {
namespace {

void put_if_not_empty(FieldSet& set, const std::string& element, FieldSet child) {
  if (!child.empty()) set.children.emplace(element, std::move(child));
}

std::string render_element(const std::string& element) {
  const std::string rest = element.size() > 2 ? element.substr(2) : "";
  if (element.starts_with("f:")) return "." + rest;
  if (element.starts_with("v:")) return "[=" + rest + "]";
  const nlohmann::json keys = nlohmann::json::parse(rest, nullptr, false);
  std::string text;
  for (const auto& [name, value] : keys.items())
    text += (text.empty() ? "" : ",") + name + "=" + dump_json(value);
  return "[" + text + "]";
}

void collect_paths(const FieldSet& set, const std::string& path, std::vector<std::string>& paths) {
  if (set.member && !path.empty()) paths.push_back(path);
  for (const auto& [element, child] : set.children)
    collect_paths(child, path + render_element(element), paths);
}

}  // namespace

FieldSet unite(const FieldSet& left, const FieldSet& right) {
  FieldSet result = left;
  result.member = left.member || right.member;
  for (const auto& [element, child] : right.children)
    result.children[element] = unite(result.children[element], child);
  return result;
}

FieldSet subtract(const FieldSet& left, const FieldSet& right) {
  FieldSet result;
  result.member = left.member && !right.member;
  for (const auto& [element, child] : left.children) {
    const auto other = right.children.find(element);
    put_if_not_empty(result, element,
                     other == right.children.end() ? child : subtract(child, other->second));
  }
  return result;
}

FieldSet intersect(const FieldSet& left, const FieldSet& right) {
  FieldSet result;
  result.member = left.member && right.member;
  for (const auto& [element, child] : left.children) {
    const auto other = right.children.find(element);
    if (other != right.children.end())
      put_if_not_empty(result, element, intersect(child, other->second));
  }
  return result;
}

FieldSet with_ancestors(const FieldSet& set) {
  FieldSet result;
  result.member = !set.empty();
  for (const auto& [element, child] : set.children)
    put_if_not_empty(result, element, with_ancestors(child));
  return result;
}

nlohmann::json to_fields_v1(const FieldSet& set) {
  nlohmann::json fields = nlohmann::json::object();
  if (set.member && !set.children.empty()) fields["."] = nlohmann::json::object();
  for (const auto& [element, child] : set.children) fields[element] = to_fields_v1(child);
  return fields;
}

FieldSet parse_fields_v1(const nlohmann::json& fields) {
  FieldSet set;
  if (!fields.is_object()) return set;
  set.member = fields.empty();
  for (const auto& [element, child] : fields.items()) {
    if (element == ".")
      set.member = true;
    else
      set.children.emplace(element, parse_fields_v1(child));
  }
  return set;
}

std::vector<std::string> render_paths(const FieldSet& set) {
  std::vector<std::string> paths;
  collect_paths(set, "", paths);
  return paths;
}

}  // namespace ray_gitops::local_cluster
