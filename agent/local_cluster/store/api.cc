// The REST subset as a function from request to answer: Store::handle over the typed methods.
#include "agent/local_cluster/store/api.h"

#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/store/json_path.h"
#include "agent/local_cluster/store/store.h"
#include "agent/local_cluster/store/table.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

ApiAnswer answer_error(const ApiError& error) { return {error.http, Document(to_status(error))}; }

ApiAnswer answer_object(const ApiResult<Document>& object, int http = 200) {
  return object ? ApiAnswer{http, *object} : answer_error(object.error());
}

std::string query_value(const ApiRequest& request, const std::string& name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? std::string{} : found->second;
}

bool is_true(const std::string& text) { return text == "true" || text == "1"; }

StoreKey key_of(const ApiTarget& target) {
  return {std::string(target.type->plural), target.ns, target.name};
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty()) parts.emplace_back(part);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  return parts;
}

// The manager of a write that names none is the client's program: "kubectl" of "kubectl/v1.37".
std::string manager_of(const ApiRequest& request) {
  std::string named = query_value(request, "fieldManager");
  if (!named.empty()) return named;
  const std::string program = request.user_agent.substr(0, request.user_agent.find('/'));
  return program.empty() ? "unknown" : program;
}

WriteOptions write_options(const ApiRequest& request, WallTime now) {
  return {.now = now,
          .field_manager = manager_of(request),
          .force = is_true(query_value(request, "force")),
          .dry_run = query_value(request, "dryRun") == "All"};
}

Propagation parse_propagation(const std::string& text) {
  if (text == "Orphan") return Propagation::Orphan;
  return text == "Foreground" ? Propagation::Foreground : Propagation::Background;
}

DeleteOptions delete_options(const ApiRequest& request, WallTime now) {
  const json& body = request.body.json();
  DeleteOptions options{.now = now};
  options.uid = string_at(body, {"preconditions", "uid"});
  options.resource_version = string_at(body, {"preconditions", "resourceVersion"});
  const auto asked = parse_revision(query_value(request, "gracePeriodSeconds"));
  if (asked) options.grace_period_seconds = asked;
  if (body.is_object() && body.contains("gracePeriodSeconds"))
    options.grace_period_seconds = integer_at(body, {"gracePeriodSeconds"});
  std::string propagation = string_at(body, {"propagationPolicy"});
  if (propagation.empty()) propagation = query_value(request, "propagationPolicy");
  options.propagation = parse_propagation(propagation);
  options.dry_run =
      query_value(request, "dryRun") == "All" || at_path(body, {"dryRun"}) == json::array({"All"});
  return options;
}

json render_list(const ResourceType& type, const ListPage& page) {
  json items = json::array();
  for (const Document& item : page.items) {
    json entry = item.json();
    entry.erase("kind");
    entry.erase("apiVersion");
    items.push_back(std::move(entry));
  }
  return {{"kind", std::string(type.kind) + "List"},
          {"apiVersion", api_version_of(type)},
          {"metadata", json::object()},
          {"items", std::move(items)}};
}

void put_list_metadata(const ListPage& page, json& list) {
  json& metadata = list["metadata"];
  metadata["resourceVersion"] = std::to_string(page.revision);
  if (page.continue_token.empty()) return;
  metadata["continue"] = page.continue_token;
  if (page.remaining_items) metadata["remainingItemCount"] = *page.remaining_items;
}

ApiAnswer answer_list(const Store& store, const ApiRequest& request, WallTime now) {
  const auto selection = parse_selection(request);
  if (!selection) return answer_error(selection.error());
  const auto asked = parse_revision(query_value(request, "resourceVersion"));
  if (asked && *asked > store.revision())
    return answer_error(not_reached_yet(*asked, store.revision()));
  const PageRequest page_request{
      static_cast<std::size_t>(parse_revision(query_value(request, "limit")).value_or(0)),
      query_value(request, "continue")};
  const auto page = store.list_page(*selection, page_request);
  if (!page) return answer_error(page.error());
  json list = request.wants_table
                  ? render_table(*request.target.type, page->items,
                                 parse_table_objects(query_value(request, "includeObject")), now)
                  : render_list(*request.target.type, *page);
  put_list_metadata(*page, list);
  return {200, Document(std::move(list))};
}

ApiAnswer answer_get(const Store& store, const ApiRequest& request, WallTime now) {
  const auto object = store.get(key_of(request.target));
  if (!object || !request.wants_table) return answer_object(object);
  json table = render_table(*request.target.type, {*object},
                            parse_table_objects(query_value(request, "includeObject")), now);
  table["metadata"]["resourceVersion"] = string_at(object->json(), {"metadata", "resourceVersion"});
  return {200, Document(std::move(table))};
}

json render_deleted_status(const ResourceType& type, const json& object) {
  json details{{"name", string_at(object, {"metadata", "name"})},
               {"kind", type.plural},
               {"uid", string_at(object, {"metadata", "uid"})}};
  if (!type.group.empty()) details["group"] = type.group;
  return {{"kind", "Status"},
          {"apiVersion", "v1"},
          {"metadata", json::object()},
          {"status", "Success"},
          {"details", std::move(details)}};
}

ApiAnswer answer_delete(Store& store, const ApiRequest& request, WallTime now) {
  const auto deletion = store.remove(key_of(request.target), delete_options(request, now));
  if (!deletion) return answer_error(deletion.error());
  const ResourceType& type = *request.target.type;
  if (!deletion->gone || type.delete_answer == DeleteAnswer::Object) return {200, deletion->object};
  return {200, Document(render_deleted_status(type, deletion->object.json()))};
}

ApiAnswer answer_apply(Store& store, const ApiRequest& request, WallTime now) {
  WriteOptions options = write_options(request, now);
  options.field_manager = query_value(request, "fieldManager");
  const StoreKey key = key_of(request.target);
  const json& body = request.body.json();
  if (request.target.subresource == "status")
    return answer_object(store.apply_status(key, body, options));
  const auto applied = store.apply(key, body, options);
  if (!applied) return answer_error(applied.error());
  return {applied->created ? 201 : 200, applied->object};
}

ApiAnswer answer_patch(Store& store, const ApiRequest& request, WallTime now) {
  const std::string type = request.content_type.substr(0, request.content_type.find(';'));
  if (type == "application/apply-patch+yaml") return answer_apply(store, request, now);
  // For the fields kubectl label, annotate and edit touch, a strategic merge is a plain one.
  if (type == "application/merge-patch+json" || type == "application/strategic-merge-patch+json")
    return answer_object(store.merge_patch(key_of(request.target), request.body.json(),
                                           write_options(request, now),
                                           request.target.subresource == "status"));
  return answer_error(unsupported_media_type(type));
}

ApiAnswer answer_binding(Store& store, const ApiRequest& request, WallTime now) {
  const json& body = request.body.json();
  const auto bound = store.bind_pod(key_of(request.target), string_at(body, {"metadata", "uid"}),
                                    string_at(body, {"target", "name"}), now);
  if (!bound) return answer_error(bound.error());
  return {201, Document({{"kind", "Status"},
                         {"apiVersion", "v1"},
                         {"metadata", json::object()},
                         {"status", "Success"},
                         {"code", 201}})};
}

ApiAnswer answer_collection(Store& store, const ApiRequest& request, WallTime now) {
  const ApiTarget& target = request.target;
  if (request.method == "GET") return answer_list(store, request, now);
  if (request.method == "POST" && (!target.type->namespaced || !target.ns.empty()))
    return answer_object(
        store.create(key_of(target), request.body.json(), write_options(request, now)), 201);
  return answer_error(method_not_allowed());
}

ApiAnswer answer_status(Store& store, const ApiRequest& request, WallTime now) {
  if (request.method == "GET") return answer_get(store, request, now);
  if (request.method == "PATCH") return answer_patch(store, request, now);
  if (request.method == "PUT")
    return answer_object(store.update_status(key_of(request.target), request.body.json(),
                                             write_options(request, now)));
  return answer_error(method_not_allowed());
}

}  // namespace

std::optional<ApiTarget> parse_target(std::string_view path) {
  std::vector<std::string> parts = split_path(path);
  const bool is_core = !parts.empty() && parts[0] == "api";
  const bool is_grouped = parts.size() > 1 && parts[0] == "apis";
  const std::size_t prefix = is_core ? 2 : 3;
  if ((!is_core && !is_grouped) || parts.size() <= prefix) return std::nullopt;
  const std::string group = is_core ? "" : parts[1];
  const std::string version = parts[prefix - 1];
  parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(prefix));
  ApiTarget target;
  const bool is_below_namespace = parts[0] == "namespaces" && parts.size() > 2 &&
                                  parts[2] != "status" && parts[2] != "finalize";
  if (is_below_namespace) {
    target.ns = parts[1];
    parts.erase(parts.begin(), parts.begin() + 2);
  }
  target.type = find_type(group, version, parts[0]);
  if (target.type == nullptr || parts.size() > 3) return std::nullopt;
  if (target.type->namespaced != is_below_namespace && (is_below_namespace || parts.size() > 1))
    return std::nullopt;
  if (parts.size() > 1) target.name = parts[1];
  if (parts.size() > 2) target.subresource = parts[2];
  return target;
}

bool is_watch(const ApiRequest& request) {
  return request.method == "GET" && is_true(query_value(request, "watch"));
}

ApiResult<Selection> parse_selection(const ApiRequest& request) {
  Selection selection{.type = request.target.type, .ns = request.target.ns};
  auto labels = parse_label_selector(query_value(request, "labelSelector"));
  if (!labels) return refuse(std::move(labels).error());
  selection.labels = std::move(*labels);
  auto fields =
      parse_field_selector(query_value(request, "fieldSelector"), request.target.type->plural);
  if (!fields) return refuse(std::move(fields).error());
  selection.fields = std::move(*fields);
  if (!request.target.name.empty())
    selection.fields.requirements.push_back({"metadata.name", true, request.target.name});
  return selection;
}

ApiAnswer Store::handle(const ApiRequest& request, WallTime now) {
  const ApiTarget& target = request.target;
  if (target.type == nullptr) return answer_error(no_such_path());
  if (target.name.empty()) return answer_collection(*this, request, now);
  if (target.subresource == "status" && target.type->has_status)
    return answer_status(*this, request, now);
  if (target.subresource == "binding" && target.type->plural == "pods" && request.method == "POST")
    return answer_binding(*this, request, now);
  if (!target.subresource.empty()) return answer_error(no_such_path());
  if (request.method == "GET") return answer_get(*this, request, now);
  if (request.method == "PATCH") return answer_patch(*this, request, now);
  if (request.method == "DELETE") return answer_delete(*this, request, now);
  if (request.method == "PUT") {
    const int http = find(key_of(target)).is_null() ? 201 : 200;
    return answer_object(update(key_of(target), request.body.json(), write_options(request, now)),
                         http);
  }
  return answer_error(method_not_allowed());
}

}  // namespace ray_gitops::local_cluster
