#include "agent/local_cluster/store/apply.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/store/field_set.h"
#include "agent/local_cluster/store/json_path.h"
#include "agent/local_cluster/store/merge_rules.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

constexpr const char* k_apply = "Apply";
constexpr const char* k_update = "Update";

struct ManagedEntry {
  std::string manager;
  std::string operation;
  std::string subresource;
  std::string api_version;
  std::string time;
  FieldSet fields;

  auto identity() const { return std::tie(manager, operation, subresource, api_version); }
};

using ManagedEntries = std::vector<ManagedEntry>;

ManagedEntries parse_entries(const json& object) {
  ManagedEntries entries;
  const json& list = at_path(object, {"metadata", "managedFields"});
  if (!list.is_array()) return entries;
  for (const json& entry : list)
    entries.push_back({string_at(entry, {"manager"}), string_at(entry, {"operation"}),
                       string_at(entry, {"subresource"}), string_at(entry, {"apiVersion"}),
                       string_at(entry, {"time"}), parse_fields_v1(at_path(entry, {"fieldsV1"}))});
  return entries;
}

json render_entry(const ManagedEntry& entry) {
  json rendered{{"manager", entry.manager},        {"operation", entry.operation},
                {"apiVersion", entry.api_version}, {"time", entry.time},
                {"fieldsType", "FieldsV1"},        {"fieldsV1", to_fields_v1(entry.fields)}};
  if (!entry.subresource.empty()) rendered["subresource"] = entry.subresource;
  return rendered;
}

// The real server's order: applies first, then by time, then by manager.
void put_entries(json& object, ManagedEntries entries) {
  std::erase_if(entries, [](const ManagedEntry& entry) { return entry.fields.empty(); });
  std::ranges::sort(entries, {}, [](const ManagedEntry& entry) {
    return std::tie(entry.operation, entry.time, entry.manager, entry.subresource);
  });
  json list = json::array();
  for (const ManagedEntry& entry : entries) list.push_back(render_entry(entry));
  if (list.empty())
    object["metadata"].erase("managedFields");
  else
    object["metadata"]["managedFields"] = std::move(list);
}

ManagedEntry new_entry(const ResourceType& type, const FieldManager& manager,
                       const char* operation) {
  return {manager.name,
          operation,
          manager.subresource,
          api_version_of(type),
          to_rfc3339(manager.now),
          {}};
}

// The manager's entry, made when there is none.
ManagedEntry& entry_for(ManagedEntries& entries, const ManagedEntry& wanted) {
  const auto found = std::ranges::find_if(entries, [&wanted](const ManagedEntry& entry) {
    return entry.identity() == wanted.identity();
  });
  if (found != entries.end()) return *found;
  return entries.emplace_back(wanted);
}

std::string describe_manager(const ManagedEntry& entry) {
  std::string text = "\"" + entry.manager + "\"";
  if (!entry.subresource.empty()) text += " with subresource \"" + entry.subresource + "\"";
  return entry.operation == k_update ? text + " using " + entry.api_version : text;
}

// "conflict with "a": .data.x", or the fields in lines of their own, by manager.
std::string render_conflicts(const std::vector<std::pair<std::string, std::string>>& conflicts) {
  const std::size_t count = conflicts.size();
  std::string text =
      "Apply failed with " + std::to_string(count) + " conflict" + (count == 1 ? ": " : "s: ");
  if (count == 1) return text + "conflict with " + conflicts[0].first + ": " + conflicts[0].second;
  std::map<std::string, std::string> fields;
  for (const auto& [manager, field] : conflicts) fields[manager] += "\n- " + field;
  std::string separator;
  for (const auto& [manager, lines] : fields) {
    text += std::exchange(separator, "\n");
    text += "conflicts with ";
    text += manager;
    text += ":";
    text += lines;
  }
  return text;
}

ApiError manager_conflict(const std::vector<std::pair<std::string, std::string>>& conflicts) {
  ApiError error;
  error.http = 409;
  error.reason = "Conflict";
  error.message = render_conflicts(conflicts);
  for (const auto& [manager, field] : conflicts)
    error.causes.push_back({"FieldManagerConflict", "conflict with " + manager, field});
  return error;
}

// Takes `contested` from everyone but `mine`; what was taken.
std::vector<std::pair<std::string, std::string>> take_fields(ManagedEntries& entries,
                                                             const ManagedEntry& mine,
                                                             const FieldSet& contested) {
  std::vector<std::pair<std::string, std::string>> taken;
  for (ManagedEntry& entry : entries) {
    if (entry.identity() == mine.identity()) continue;
    const FieldSet overlap = intersect(entry.fields, contested);
    for (const std::string& path : render_paths(overlap))
      taken.emplace_back(describe_manager(entry), path);
    entry.fields = subtract(entry.fields, overlap);
  }
  return taken;
}

FieldSet fields_of_others(const ManagedEntries& entries, const ManagedEntry& mine) {
  FieldSet all;
  for (const ManagedEntry& entry : entries)
    if (entry.identity() != mine.identity()) all = unite(all, entry.fields);
  return all;
}

// In the words of the library that the real server leaves this to.
std::string render_duplicates(const std::vector<std::string>& paths) {
  std::string text = paths.size() > 1 ? "errors:" : "";
  for (const std::string& path : paths) {
    const std::size_t key = path.rfind('[');
    text += (paths.size() > 1 ? "\n  " : "") + path.substr(0, key) +
            ": duplicate entries for key " + path.substr(key);
  }
  return text;
}

bool owns_same(const ManagedEntries& left, const ManagedEntries& right) {
  return std::ranges::equal(left, right, [](const ManagedEntry& a, const ManagedEntry& b) {
    return a.identity() == b.identity() && a.fields == b.fields;
  });
}

}  // namespace

std::optional<ApiError> check_duplicates(const ResourceType& type, const json& configuration) {
  const std::vector<std::string> paths = render_paths(duplicates_in(type.kind, configuration));
  if (paths.empty()) return std::nullopt;
  const std::string api_version = string_at(configuration, {"apiVersion"});
  return failed("failed to create typed patch object (" +
                string_at(configuration, {"metadata", "namespace"}) + "/" +
                string_at(configuration, {"metadata", "name"}) + "; " +
                (api_version.find('/') == std::string::npos ? "/" : "") + api_version +
                ", Kind=" + std::string(type.kind) + "): " + render_duplicates(paths));
}

ApiResult<json> merge_applied(const ResourceType& type, const json& live, const json& configuration,
                              const FieldManager& manager, bool force) {
  const json before = live.is_null() ? json::object() : live;
  const ManagedEntries known = parse_entries(before);
  ManagedEntries entries = known;
  const ManagedEntry mine = new_entry(type, manager, k_apply);
  const FieldSet wanted = fields_of(type.kind, configuration);

  json next = merge_objects(type.kind, before, configuration);
  const FieldSet changed = compare_fields(type.kind, before, next).changed;
  const auto conflicts = take_fields(entries, mine, changed);
  if (!conflicts.empty() && !force) return refuse(manager_conflict(conflicts));

  ManagedEntry& entry = entry_for(entries, mine);
  const FieldSet left_out = subtract(entry.fields, wanted);
  const FieldSet kept = with_ancestors(unite(wanted, fields_of_others(entries, mine)));
  remove_fields(type.kind, next, subtract(left_out, kept));
  entry.fields = wanted;
  std::erase_if(entries, [](const ManagedEntry& other) { return other.fields.empty(); });

  const FieldChanges changes = compare_fields(type.kind, before, next);
  if (!live.is_null() && changes.changed.empty() && changes.removed.empty() &&
      owns_same(known, entries))
    return live;
  entry_for(entries, mine).time = mine.time;
  put_entries(next, std::move(entries));
  return next;
}

void record_update(const ResourceType& type, const json& live, json& next,
                   const FieldManager& manager) {
  const json before = live.is_null() ? json::object() : live;
  const FieldChanges changes = compare_fields(type.kind, before, next);
  ManagedEntries entries = parse_entries(before);
  if (!changes.changed.empty() || !changes.removed.empty()) {
    const ManagedEntry mine = new_entry(type, manager, k_update);
    take_fields(entries, mine, unite(changes.changed, changes.removed));
    ManagedEntry& entry = entry_for(entries, mine);
    entry.fields = subtract(unite(entry.fields, changes.changed), changes.removed);
    entry.time = mine.time;
  }
  put_entries(next, std::move(entries));
}

}  // namespace ray_gitops::local_cluster
