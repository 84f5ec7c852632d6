// Store: create, update, apply, patch.
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/store/apply.h"
#include "agent/local_cluster/store/defaults.h"
#include "agent/local_cluster/store/json_path.h"
#include "agent/local_cluster/store/store.h"
#include "agent/local_cluster/store/validation.h"
#include "reconcilers/model/digest.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

// What only the server writes: kept from the live object whatever a client sends.
constexpr std::array k_server_fields{
    "uid",      "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
    "selfLink", "generation",        "resourceVersion"};

const ResourceType& type_of(const StoreKey& key) { return *find_type_by_plural(key.plural); }

ApiError malformed(const ResourceType& type, const std::string& why) {
  return bad_request(std::string(type.kind) + " in version \"" + std::string(type.version) +
                     "\" cannot be handled as a " + std::string(type.kind) + ": " + why);
}

// Does the body stand for the object its URL names?
std::optional<ApiError> check_identity(const StoreKey& key, const json& object) {
  const ResourceType* type = find_type_by_plural(key.plural);
  if (type == nullptr) return no_such_path();
  if (const std::string why = find_malformed(*type, object); !why.empty())
    return malformed(*type, why);
  const std::string kind = string_at(object, {"kind"});
  const std::string version = string_at(object, {"apiVersion"});
  if ((!kind.empty() && kind != type->kind) ||
      (!version.empty() && version != api_version_of(*type)))
    return bad_request(version + ", Kind=" + kind + " does not match the expected " +
                       api_version_of(*type) + ", Kind=" + std::string(type->kind));
  const std::string ns = string_at(object, {"metadata", "namespace"});
  if (!ns.empty() && ns != key.ns)
    return bad_request(
        "the namespace of the provided object does not match the namespace sent on the request");
  const std::string name = string_at(object, {"metadata", "name"});
  if (!key.name.empty() && !name.empty() && name != key.name)
    return bad_request("the name of the object (" + name +
                       ") does not match the name on the URL (" + key.name + ")");
  return std::nullopt;
}

void set_identity(const StoreKey& key, json& object) {
  const ResourceType& type = type_of(key);
  object["apiVersion"] = api_version_of(type);
  object["kind"] = type.kind;
  object["metadata"]["name"] = key.name;
  if (type.namespaced) object["metadata"]["namespace"] = key.ns;
}

void strip_nulls(json& value) {
  if (value.is_array())
    for (json& item : value) strip_nulls(item);
  if (!value.is_object()) return;
  for (auto at = value.begin(); at != value.end();) {
    if (at->is_null()) {
      at = value.erase(at);
    } else {
      strip_nulls(*at);
      ++at;
    }
  }
}

json new_object(const StoreKey& key, const json& object) {
  json next = object;
  strip_nulls(next);
  set_identity(key, next);
  next["metadata"].erase("managedFields");
  return next;
}

void keep_server_fields(const json& live, json& next) {
  json& metadata = next["metadata"];
  for (const char* field : k_server_fields) {
    if (live["metadata"].contains(field))
      metadata[field] = live["metadata"][field];
    else
      metadata.erase(field);
  }
}

void take_member(const json& from, const char* name, json& to) {
  if (from.contains(name))
    to[name] = from[name];
  else
    to.erase(name);
}

// What the subresource writes: the status, and of the metadata what is no identity. A pod keeps its
// owners: kubelets once corrupted them.
json take_status(const ResourceType& type, const json& live, const json& object) {
  json next = live;
  take_member(object, "status", next);
  const json& metadata = at_path(object, {"metadata"});
  for (const char* field : {"labels", "annotations", "finalizers"})
    take_member(metadata, field, next["metadata"]);
  if (type.plural != "pods") take_member(metadata, "ownerReferences", next["metadata"]);
  return next;
}

void keep_status(const ResourceType& type, const json& live, json& next) {
  if (type.has_status) take_member(live, "status", next);
}

std::optional<ApiError> check_version(const StoreKey& key, const json& live, const json& object) {
  const std::string version = string_at(object, {"metadata", "resourceVersion"});
  if (!version.empty() && version != string_at(live, {"metadata", "resourceVersion"}))
    return conflict(type_of(key), key.name,
                    "the object has been modified; please apply your changes to the latest version "
                    "and try again");
  return std::nullopt;
}

std::optional<ApiError> check_uid(const StoreKey& key, const json& live, const json& object) {
  const std::string uid = string_at(object, {"metadata", "uid"});
  const std::string live_uid = string_at(live, {"metadata", "uid"});
  if (!uid.empty() && uid != live_uid)
    return conflict(
        type_of(key), key.name,
        "Precondition failed: UID in precondition: " + uid + ", UID in object meta: " + live_uid);
  return std::nullopt;
}

// An update that names another uid or an older version is too late.
std::optional<ApiError> check_versions(const StoreKey& key, const json& live, const json& object) {
  if (auto error = check_uid(key, live, object)) return error;
  return check_version(key, live, object);
}

// An apply of a configuration that names a uid makes no new object.
std::optional<ApiError> check_meant_for_none(const StoreKey& key, const json& configuration) {
  const std::string uid = string_at(configuration, {"metadata", "uid"});
  if (uid.empty()) return std::nullopt;
  return conflict(type_of(key), key.name,
                  "uid mismatch: the provided object specified uid " + uid +
                      ", and no existing object was found");
}

// And a patch that names another uid is meant for an object that is gone, which the server tells as
// if somebody had tried to change the uid.
std::optional<ApiError> check_meant_for(const StoreKey& key, const json& live, const json& patch) {
  if (auto error = check_version(key, live, patch)) return error;
  const std::string uid = string_at(patch, {"metadata", "uid"});
  if (uid.empty() || uid == string_at(live, {"metadata", "uid"})) return std::nullopt;
  return invalid(type_of(key), key.name,
                 {{"FieldValueInvalid", "Invalid value: \"" + uid + "\": field is immutable",
                   "metadata.uid"}});
}

// What the server says of its status is nobody's.
void record_create(const ResourceType& type, json& object, const WriteOptions& options) {
  const json status = at_path(object, {"status"});
  if (type.has_status) object.erase("status");
  record_update(type, json(), object,
                {.name = options.field_manager, .subresource = {}, .now = options.now});
  if (type.has_status && !status.empty()) object["status"] = status;
}

// Of a type that is never updated unconditionally. The real server names it by its plural here.
ApiError version_required(const ResourceType& type, const std::string& name) {
  const ApiCause cause{"FieldValueInvalid", "Invalid value: 0: must be specified for an update",
                       "metadata.resourceVersion"};
  ApiError error = invalid(type, name, {cause});
  error.kind = type.plural;
  error.message.replace(0, type.kind.size(), type.plural);
  return error;
}

// A write that would change nothing but when a manager wrote last is none.
bool is_same_but_for_times(json next, const json& live) {
  json& metadata = next["metadata"];
  const json& before = live["metadata"];
  const auto known = before.find("managedFields");
  const auto written = metadata.find("managedFields");
  if (known != before.end() && written != metadata.end() && known->size() == written->size())
    for (std::size_t at = 0; at < known->size(); ++at)
      (*written)[at]["time"] = (*known)[at].value("time", json());
  return next == live;
}

std::optional<ApiError> check_configuration(const StoreKey& key, const json& object,
                                            const WriteOptions& options) {
  const ResourceType& type = type_of(key);
  if (options.field_manager.empty()) {
    ApiError error = invalid(type, key.name, {});
    error.kind = "PatchOptions";
    error.group = "meta.k8s.io";
    error.causes = {
        {"FieldValueRequired", "Required value: is required for apply patch", "fieldManager"}};
    error.message =
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for "
        "apply patch";
    return error;
  }
  if (string_at(object, {"kind"}).empty() || string_at(object, {"apiVersion"}).empty())
    return bad_request("apiVersion and kind must be set in the applied configuration");
  if (at_path(object, {"metadata"}).contains("managedFields"))
    return bad_request("metadata.managedFields must be nil");
  json configuration = object;
  strip_nulls(configuration);
  return check_duplicates(type, configuration);
}

}  // namespace

ApiResult<Document> Store::create(const StoreKey& wanted, const json& object,
                                  const WriteOptions& options) {
  if (auto error = check_identity(wanted, object)) return refuse(std::move(*error));
  StoreKey key = wanted;
  if (key.name.empty()) key.name = string_at(object, {"metadata", "name"});
  const std::string prefix = string_at(object, {"metadata", "generateName"});
  if (key.name.empty() && !prefix.empty()) key.name = generate_name(prefix, key);
  if (!string_at(object, {"metadata", "resourceVersion"}).empty())
    return refuse(failed("resourceVersion should not be set on objects to be created"));
  return finish_create(key, new_object(key, object), options);
}

ApiResult<Document> Store::finish_create(const StoreKey& key, json object,
                                         const WriteOptions& options) {
  const ResourceType& type = type_of(key);
  if (auto error = check_namespace_open(key)) return refuse(std::move(*error));
  for (const char* field : k_server_fields) object["metadata"].erase(field);
  object["metadata"]["uid"] = next_uid();
  object["metadata"]["creationTimestamp"] = to_rfc3339(options.now);
  if (type.has_generation) object["metadata"]["generation"] = 1;
  prepare_new(type, object);
  fill_defaults(type, object);
  if (std::vector<ApiCause> causes = find_violations(type, object); !causes.empty())
    return refuse(invalid(type, key.name, std::move(causes)));
  if (const Document live = find(key); !live.is_null())
    return refuse(already_exists(type, key.name, is_terminating(live.json())));
  if (!object["metadata"].contains("managedFields")) record_create(type, object, options);
  if (auto error = allocate_addresses(key, object, json())) return refuse(std::move(*error));
  if (options.dry_run) return Document(std::move(object));
  return commit(key, std::move(object));
}

ApiResult<Document> Store::update(const StoreKey& key, const json& object,
                                  const WriteOptions& options) {
  if (auto error = check_identity(key, object)) return refuse(std::move(*error));
  const ResourceType& type = type_of(key);
  if (type.creates_on_update && !objects_.contains(key)) {
    if (auto error = check_uid(key, json(), object)) return refuse(std::move(*error));
    return finish_create(key, new_object(key, object), options);
  }
  auto live = get(key);
  if (!live) return live;
  if (auto error = check_versions(key, live->json(), object)) return refuse(std::move(*error));
  if (key.plural == "leases" && string_at(object, {"metadata", "resourceVersion"}).empty())
    return refuse(version_required(type, key.name));
  json next = object;
  strip_nulls(next);
  keep_status(type, live->json(), next);
  fill_defaults(type, next);
  if (key.plural == "services") keep_allocated(live->json(), next);
  set_identity(key, next);
  record_update(type, live->json(), next,
                {.name = options.field_manager, .subresource = {}, .now = options.now});
  return finish_write(key, std::move(next), *live, options);
}

ApiResult<Document> Store::update_status(const StoreKey& key, const json& object,
                                         const WriteOptions& options) {
  if (auto error = check_identity(key, object)) return refuse(std::move(*error));
  auto live = get(key);
  if (!live) return live;
  if (auto error = check_versions(key, live->json(), object)) return refuse(std::move(*error));
  json next = take_status(type_of(key), live->json(), object);
  strip_nulls(next);
  drop_empty(type_of(key), next);
  record_update(type_of(key), live->json(), next,
                {.name = options.field_manager, .subresource = "status", .now = options.now});
  return finish_write(key, std::move(next), *live, options);
}

ApiResult<Document> Store::set_status(const StoreKey& key, const std::string& uid,
                                      const json& status, WallTime now) {
  auto live = get(key);
  if (!live) return live;
  json next = live->json();
  next["status"] = status;
  next["metadata"]["uid"] = uid;
  next["metadata"].erase("resourceVersion");
  return update_status(key, next, {.now = now, .field_manager = "kubelet"});
}

ApiResult<Document> Store::bind_pod(const StoreKey& pod, const std::string& uid,
                                    const std::string& node, WallTime now) {
  auto live = get(pod);
  if (!live) return live;
  const ResourceType& type = type_of(pod);
  if (!uid.empty() && string_at(live->json(), {"metadata", "uid"}) != uid)
    return refuse(not_found(type, pod.name));
  const std::string bound = string_at(live->json(), {"spec", "nodeName"});
  if (!bound.empty())
    return refuse(conflict(type, pod.name,
                           "pod " + pod.name + " is already assigned to node \"" + bound + "\""));
  json next = live->json();
  next["spec"]["nodeName"] = node;
  json scheduled{
      {"type", "PodScheduled"}, {"status", "True"}, {"lastTransitionTime", to_rfc3339(now)}};
  json& conditions = next["status"]["conditions"];
  if (!conditions.is_array()) conditions = json::array();
  std::erase_if(conditions.get_ref<json::array_t&>(), [](const json& condition) {
    return string_at(condition, {"type"}) == "PodScheduled";
  });
  conditions.push_back(std::move(scheduled));
  return commit(pod, std::move(next));
}

ApiResult<Store::Applied> Store::apply(const StoreKey& key, const json& object,
                                       const WriteOptions& options) {
  if (auto error = check_identity(key, object)) return refuse(std::move(*error));
  if (auto error = check_configuration(key, object, options)) return refuse(std::move(*error));
  const ResourceType& type = type_of(key);
  const Document live = find(key);
  json configuration = object;
  strip_nulls(configuration);
  if (type.has_status) configuration.erase("status");
  set_identity(key, configuration);
  configuration["metadata"].erase("resourceVersion");
  configuration["metadata"].erase("uid");
  auto merged = merge_applied(
      type, live.json(), configuration,
      {.name = options.field_manager, .subresource = {}, .now = options.now}, options.force);
  if (!merged) return refuse(std::move(merged).error());
  const bool creates = live.is_null();
  if (auto error =
          creates ? check_meant_for_none(key, object) : check_meant_for(key, live.json(), object))
    return refuse(std::move(*error));
  if (!creates && key.plural == "services") keep_allocated(live.json(), *merged);
  auto written = creates ? finish_create(key, std::move(*merged), options)
                         : finish_write(key, std::move(*merged), live, options);
  if (!written) return refuse(std::move(written).error());
  return Applied{std::move(*written), creates};
}

ApiResult<Document> Store::apply_status(const StoreKey& key, const json& object,
                                        const WriteOptions& options) {
  if (auto error = check_identity(key, object)) return refuse(std::move(*error));
  if (auto error = check_configuration(key, object, options)) return refuse(std::move(*error));
  const auto live = get(key);
  if (!live) return refuse(live.error());
  json configuration = object;
  strip_nulls(configuration);
  configuration.erase("spec");
  set_identity(key, configuration);
  for (const char* field : {"resourceVersion", "uid"}) configuration["metadata"].erase(field);
  if (key.plural == "pods") configuration["metadata"].erase("ownerReferences");
  auto merged = merge_applied(
      type_of(key), live->json(), configuration,
      {.name = options.field_manager, .subresource = "status", .now = options.now}, options.force);
  if (!merged) return refuse(std::move(merged).error());
  if (auto error = check_meant_for(key, live->json(), object)) return refuse(std::move(*error));
  return finish_write(key, std::move(*merged), *live, options);
}

ApiResult<Document> Store::merge_patch(const StoreKey& key, const json& patch,
                                       const WriteOptions& options, bool status) {
  auto live = get(key);
  if (!live) return live;
  if (!patch.is_object()) return refuse(bad_request("a merge patch must be an object"));
  if (auto error = check_meant_for(key, live->json(), patch)) return refuse(std::move(*error));
  json next = live->json();
  next.merge_patch(patch);
  // A patch that names no version is made against the live object and cannot be too old.
  if (!at_path(patch, {"metadata"}).contains("resourceVersion") && next["metadata"].is_object())
    next["metadata"].erase("resourceVersion");
  if (key.plural == "leases" && next["metadata"].is_object() &&
      !next["metadata"].contains("resourceVersion"))
    next["metadata"]["resourceVersion"] = live->json()["metadata"]["resourceVersion"];
  return status ? update_status(key, next, options) : update(key, next, options);
}

ApiResult<Document> Store::finish_write(const StoreKey& key, json next, const Document& live,
                                        const WriteOptions& options) {
  const ResourceType& type = type_of(key);
  if (const std::string why = find_malformed(type, next); !why.empty())
    return refuse(malformed(type, why));
  keep_server_fields(live.json(), next);
  fill_defaults(type, next);
  std::vector<ApiCause> causes;
  if (key.plural == "services") causes = check_ip_families(next, live.json());
  if (!causes.empty()) return refuse(invalid(type, key.name, std::move(causes)));
  causes = find_violations(type, next);
  for (ApiCause& cause : find_forbidden_changes(type, live.json(), next))
    causes.push_back(std::move(cause));
  if (!causes.empty()) return refuse(invalid(type, key.name, std::move(causes)));
  if (auto error = allocate_addresses(key, next, live.json())) return refuse(std::move(*error));
  if (is_same_but_for_times(next, live.json())) return live;
  if (type.has_generation && at_path(next, {"spec"}) != at_path(live.json(), {"spec"}))
    next["metadata"]["generation"] = integer_at(live.json(), {"metadata", "generation"}) + 1;
  if (dump_json(next).size() > k_object_bytes_max) return refuse(too_large(type, key.name));
  if (options.dry_run) return Document(std::move(next));
  Document stored = commit(key, std::move(next));
  if (may_go(stored.json())) commit_removal(key);
  return stored;
}

std::optional<ApiError> Store::check_namespace_open(const StoreKey& key) const {
  if (!type_of(key).namespaced) return std::nullopt;
  const Document ns = find({"namespaces", "", key.ns});
  if (ns.is_null()) return not_found(*find_type_by_plural("namespaces"), key.ns);
  if (!is_terminating(ns.json())) return std::nullopt;
  ApiError error = forbidden(
      type_of(key), key.name,
      "unable to create new content in namespace " + key.ns + " because it is being terminated");
  error.causes = {{"NamespaceTerminating", "namespace " + key.ns + " is being terminated",
                   "metadata.namespace"}};
  return error;
}

std::string Store::generate_name(const std::string& prefix, const StoreKey& key) {
  constexpr std::size_t k_suffix_characters = 5;
  StoreKey candidate = key;
  do {
    candidate.name = prefix + short_hash(next_uid(), k_suffix_characters);
  } while (objects_.contains(candidate));
  return candidate.name;
}

std::optional<ApiError> Store::allocate_addresses(const StoreKey& key, json& object,
                                                  const json& live) const {
  if (key.plural != "services") return std::nullopt;
  std::vector<ApiCause> causes = service_network_.allocate(object, live);
  if (causes.empty()) return std::nullopt;
  return invalid(type_of(key), key.name, std::move(causes));
}

}  // namespace ray_gitops::local_cluster
