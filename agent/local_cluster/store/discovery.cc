#include "agent/local_cluster/store/discovery.h"

#include <set>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/store/resource_types.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

// The Kubernetes release whose behaviour this cluster follows.
constexpr const char* k_major = "1";
constexpr const char* k_minor = "37";
constexpr const char* k_git_version = "v1.37.0+ray-gitops-local";

json resource_entry(const ResourceType& type) {
  json entry{{"name", type.plural},
             {"singularName", type.singular},
             {"namespaced", type.namespaced},
             {"kind", type.kind},
             {"verbs", {"create", "delete", "get", "list", "patch", "update", "watch"}}};
  if (!type.short_name.empty()) entry["shortNames"] = json::array({type.short_name});
  if (type.in_category_all) entry["categories"] = json::array({"all"});
  return entry;
}

json subresource_entry(const ResourceType& type, const char* name, const char* kind, json verbs) {
  return {{"name", std::string(type.plural) + "/" + name},
          {"singularName", ""},
          {"namespaced", type.namespaced},
          {"kind", kind},
          {"verbs", std::move(verbs)}};
}

json resource_list(const std::string& group_version) {
  json resources = json::array();
  for (const ResourceType& type : resource_types()) {
    if (api_version_of(type) != group_version) continue;
    resources.push_back(resource_entry(type));
    const std::string kind(type.kind);
    if (type.plural == "pods") {
      resources.push_back(subresource_entry(type, "binding", "Binding", {"create"}));
      resources.push_back(subresource_entry(type, "log", "Pod", {"get"}));
    }
    if (type.has_status)
      resources.push_back(
          subresource_entry(type, "status", kind.c_str(), {"get", "patch", "update"}));
  }
  return {{"kind", "APIResourceList"},
          {"apiVersion", "v1"},
          {"groupVersion", group_version},
          {"resources", std::move(resources)}};
}

json group_entry(const std::string& group) {
  json version{{"groupVersion", group + "/v1"}, {"version", "v1"}};
  return {{"name", group}, {"versions", json::array({version})}, {"preferredVersion", version}};
}

std::set<std::string> group_names() {
  std::set<std::string> names;
  for (const ResourceType& type : resource_types())
    if (!type.group.empty()) names.emplace(type.group);
  return names;
}

json group_list() {
  json groups = json::array();
  for (const std::string& group : group_names()) groups.push_back(group_entry(group));
  return {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(groups)}};
}

json version_info() {
  return {{"major", k_major}, {"minor", k_minor},   {"gitVersion", k_git_version},
          {"gitCommit", ""},  {"gitTreeState", ""}, {"buildDate", ""},
          {"goVersion", ""},  {"compiler", ""},     {"platform", "linux/amd64"}};
}

}  // namespace

std::optional<Document> render_discovery(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path == "/version") return Document(version_info());
  if (path == "/api")
    return Document({{"kind", "APIVersions"},
                     {"versions", {"v1"}},
                     {"serverAddressByClientCIDRs", json::array()}});
  if (path == "/api/v1") return Document(resource_list("v1"));
  if (path == "/apis") return Document(group_list());
  for (const std::string& group : group_names()) {
    const std::string below = "/apis/" + group;
    if (path == below + "/v1") return Document(resource_list(group + "/v1"));
    if (path != below) continue;
    json entry = group_entry(group);
    entry["kind"] = "APIGroup";
    entry["apiVersion"] = "v1";
    return Document(std::move(entry));
  }
  return std::nullopt;
}

}  // namespace ray_gitops::local_cluster
