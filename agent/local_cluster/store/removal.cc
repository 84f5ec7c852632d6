// Store: deletion, graceful and not, and what follows from it.
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/store/json_path.h"
#include "agent/local_cluster/store/store.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

std::optional<ApiError> check_preconditions(const ResourceType& type, const StoreKey& key,
                                            const json& live, const DeleteOptions& options) {
  const auto differs = [&](const std::string& what, const std::string& asked, const std::string& is,
                           const std::string& why) {
    return deletion_conflict(type, key.name,
                             "the " + what + " in the precondition (" + asked +
                                 ") does not match the " + what + " in record (" + is +
                                 "). The object might have been " + why);
  };
  const std::string uid = string_at(live, {"metadata", "uid"});
  if (!options.uid.empty() && options.uid != uid)
    return differs("UID", options.uid, uid, "deleted and then recreated");
  const std::string version = string_at(live, {"metadata", "resourceVersion"});
  if (!options.resource_version.empty() && options.resource_version != version)
    return differs("ResourceVersion", options.resource_version, version, "modified");
  return std::nullopt;
}

// How long the object may still stand. Only pods on a node get time: others have no process.
std::int64_t grace_seconds(const StoreKey& key, const json& object, const DeleteOptions& options) {
  if (key.plural != "pods") return 0;
  const std::string phase = string_at(object, {"status", "phase"});
  const bool has_process =
      !string_at(object, {"spec", "nodeName"}).empty() && phase != "Succeeded" && phase != "Failed";
  if (!has_process) return 0;
  const std::int64_t asked = options.grace_period_seconds.value_or(
      integer_at(object, {"spec", "terminationGracePeriodSeconds"}, 30));
  const std::int64_t grace = asked < 0 ? 1 : asked;
  if (!is_terminating(object)) return grace;
  // A second deletion can only shorten the time.
  return std::min(grace, integer_at(object, {"metadata", "deletionGracePeriodSeconds"}));
}

json as_terminating(const StoreKey& key, json object, std::int64_t grace, WallTime now) {
  json& metadata = object["metadata"];
  metadata["deletionTimestamp"] = to_rfc3339(now + Duration{grace * 1000});
  metadata["deletionGracePeriodSeconds"] = grace;
  if (metadata.contains("generation"))
    metadata["generation"] = metadata["generation"].get<std::int64_t>() + 1;
  if (key.plural == "namespaces") object["status"]["phase"] = "Terminating";
  return object;
}

}  // namespace

ApiResult<Deletion> Store::remove(const StoreKey& key, const DeleteOptions& options) {
  const auto live = get(key);
  if (!live) return refuse(live.error());
  const ResourceType& type = *find_type_by_plural(key.plural);
  if (auto error = check_preconditions(type, key, live->json(), options))
    return refuse(std::move(*error));
  const std::int64_t grace = grace_seconds(key, live->json(), options);
  const bool was_terminating = is_terminating(live->json());
  const bool is_shorter =
      grace < integer_at(live->json(), {"metadata", "deletionGracePeriodSeconds"}, grace + 1);
  json next = is_shorter ? as_terminating(key, live->json(), grace, options.now) : live->json();
  const bool gone = may_go(next);
  if (options.dry_run) return Deletion{*live, gone};
  if (options.propagation == Propagation::Orphan)
    orphan_dependents(string_at(live->json(), {"metadata", "uid"}), options.now);
  if (!gone && was_terminating && !is_shorter) return Deletion{*live, false};
  // What might have had time is first marked as terminating, as the real server does it.
  const bool is_marked = !gone || (is_shorter && key.plural == "pods");
  const Document marked = is_marked ? commit(key, std::move(next)) : Document{};
  return gone ? Deletion{commit_removal(key), true} : Deletion{marked, false};
}

ApiResult<Deletion> Store::finish_pod(const StoreKey& pod, const std::string& uid, WallTime now) {
  return remove(pod, {.now = now, .uid = uid, .resource_version = {}, .grace_period_seconds = 0});
}

bool Store::may_go(const json& object) {
  return is_terminating(object) && string_at(object, {"kind"}) != "Namespace" &&
         at_path(object, {"metadata", "finalizers"}).empty() &&
         integer_at(object, {"metadata", "deletionGracePeriodSeconds"}) == 0;
}

void Store::orphan_dependents(const std::string& owner_uid, WallTime now) {
  const auto found = dependents_.find(owner_uid);
  if (found == dependents_.end()) return;
  for (const StoreKey& key : std::set<StoreKey>(found->second)) {
    json next = find(key).json();
    json& owners = next["metadata"]["ownerReferences"];
    std::erase_if(owners.get_ref<json::array_t&>(), [&owner_uid](const json& owner) {
      return string_at(owner, {"uid"}) == owner_uid;
    });
    if (owners.empty()) next["metadata"].erase("ownerReferences");
    static_cast<void>(update(key, next, {.now = now, .field_manager = "garbage-collector"}));
  }
}

bool Store::is_garbage(const StoreKey& key, const json& object) const {
  const json& owners = at_path(object, {"metadata", "ownerReferences"});
  if (owners.empty() || is_terminating(object)) return false;
  for (const json& owner : owners) {
    const auto found = uids_.find(string_at(owner, {"uid"}));
    if (found == uids_.end()) continue;
    const StoreKey& there = found->second;
    if (there.name == string_at(owner, {"name"}) && (there.ns.empty() || there.ns == key.ns))
      return false;
  }
  return true;
}

std::vector<StoreKey> Store::collect_garbage(WallTime now) {
  std::vector<StoreKey> collected;
  while (!garbage_suspects_.empty()) {
    const StoreKey key = *garbage_suspects_.begin();
    garbage_suspects_.erase(garbage_suspects_.begin());
    const Document object = find(key);
    if (object.is_null() || !is_garbage(key, object.json())) continue;
    const auto deletion = remove(key, {.now = now,
                                       .uid = string_at(object.json(), {"metadata", "uid"}),
                                       .resource_version = {},
                                       .grace_period_seconds = std::nullopt});
    if (deletion) collected.push_back(key);
  }
  return collected;
}

void Store::finish_namespaces(WallTime now) {
  for (const std::string& name : std::set<std::string>(terminating_namespaces_))
    finish_namespace(name, now);
}

void Store::finish_namespace(const std::string& name, WallTime now) {
  std::vector<StoreKey> contents;
  for (const auto& [key, object] : objects_)
    if (key.ns == name) contents.push_back(key);
  for (const StoreKey& key : contents)
    if (!is_terminating(find(key).json())) static_cast<void>(remove(key, {.now = now}));
  for (const StoreKey& key : contents)
    if (objects_.contains(key)) return;
  const StoreKey key{"namespaces", "", name};
  if (at_path(find(key).json(), {"metadata", "finalizers"}).empty()) commit_removal(key);
}

void Store::expire_events(WallTime now) {
  constexpr Duration k_interval{60'000};
  if (now - events_looked_at_ < k_interval) return;
  events_looked_at_ = now;
  for (const Document& event : list({.type = find_type_by_plural("events")})) {
    const json& metadata = at_path(event.json(), {"metadata"});
    auto seen = parse_rfc3339(string_at(event.json(), {"lastTimestamp"}));
    if (!seen) seen = parse_rfc3339(string_at(metadata, {"creationTimestamp"}));
    if (seen && now - *seen > k_event_lifetime)
      static_cast<void>(
          remove({"events", string_at(metadata, {"namespace"}), string_at(metadata, {"name"})},
                 {.now = now}));
  }
}

void Store::settle(WallTime now) {
  expire_events(now);
  std::int64_t before = 0;
  do {
    before = revision_;
    collect_garbage(now);
    update_endpoints(now);
    finish_namespaces(now);
  } while (revision_ != before);
}

}  // namespace ray_gitops::local_cluster
