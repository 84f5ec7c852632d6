#include "tests/unit/local_cluster/support.h"

#include <utility>

namespace ray_gitops::local_cluster {

using nlohmann::json;

ApiAnswer StoreFixture::send(const std::string& method, const std::string& path, const json& body,
                             std::map<std::string, std::string> query,
                             const std::string& content_type) {
  ApiRequest request;
  request.method = method;
  request.query = std::move(query);
  request.content_type = content_type;
  request.user_agent = "test/1.0";
  request.body = Document(body);
  if (const auto target = parse_target(path)) request.target = *target;
  return store.handle(request, now);
}

ApiAnswer StoreFixture::apply(const std::string& path, const json& body, const std::string& manager,
                              bool force) {
  std::map<std::string, std::string> query{{"fieldManager", manager}};
  if (force) query["force"] = "true";
  return send("PATCH", path, body, query, "application/apply-patch+yaml");
}

json StoreFixture::object(const std::string& plural, const std::string& name) const {
  return store.find({plural, "default", name}).json();
}

json config_map(const std::string& name, const json& data) {
  return {
      {"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", name}}}, {"data", data}};
}

json pod(const std::string& name, const json& labels) {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", name}, {"labels", labels}}},
          {"spec", {{"containers", {{{"name", "main"}, {"image", "ray:2.9"}}}}}}};
}

json service(const std::string& name, const json& spec) {
  return {
      {"apiVersion", "v1"}, {"kind", "Service"}, {"metadata", {{"name", name}}}, {"spec", spec}};
}

json owner_reference(const json& owner) {
  return {{"apiVersion", owner["apiVersion"]},
          {"kind", owner["kind"]},
          {"name", owner["metadata"]["name"]},
          {"uid", owner["metadata"]["uid"]},
          {"controller", true}};
}

std::vector<std::string> render_changes(const Store& store, std::int64_t revision) {
  std::vector<std::string> lines;
  const auto changes = store.changes_since(revision);
  if (!changes) return {changes.error().reason};
  for (const Change& change : *changes) {
    const char* type = change.type == ChangeType::Added      ? "ADDED "
                       : change.type == ChangeType::Modified ? "MODIFIED "
                                                             : "DELETED ";
    lines.push_back(type + change.key.plural + "/" + change.key.name);
  }
  return lines;
}

}  // namespace ray_gitops::local_cluster
