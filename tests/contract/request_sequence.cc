#include "tests/contract/request_sequence.h"

#include <array>
#include <map>
#include <ostream>
#include <utility>

namespace ray_gitops::contract {
namespace {

using nlohmann::json;

constexpr std::array k_types{
    Type{"/api/v1", "configmaps", "v1", "ConfigMap"}, Type{"/api/v1", "services", "v1", "Service"},
    Type{"/api/v1", "pods", "v1", "Pod"},
    Type{"/apis/coordination.k8s.io/v1", "leases", "coordination.k8s.io/v1", "Lease"},
    Type{"/apis/rbac.authorization.k8s.io/v1", "roles", "rbac.authorization.k8s.io/v1", "Role"}};

// Below `count`, however short the sequence is to be.
int any_below(int count) { return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, count)); }

// Shrinks to false, so that the simplest objects have the fewest fields.
bool one_in(int count) { return any_below(count) == count - 1; }

json any_of(const std::vector<json>& values) { return *rc::gen::elementOf(values); }

// Each name once in two, with one of the values.
json any_map(const std::vector<std::string>& names, const std::vector<json>& values) {
  json map = json::object();
  for (const std::string& name : names)
    if (one_in(2)) map[name] = any_of(values);
  return map;
}

json any_subset(const std::vector<json>& values) {
  json list = json::array();
  for (const json& value : values)
    if (one_in(2)) list.push_back(value);
  return list;
}

// With `patch`, null takes a member away.
std::vector<json> texts(bool patch) {
  std::vector<json> values{"1", "2"};
  if (patch) values.emplace_back(nullptr);
  return values;
}

// What lives as long as the sequence, so that nothing is collected as garbage meanwhile.
json any_owners() {
  const json ns{{"apiVersion", "v1"}, {"kind", "Namespace"}, {"name", k_namespace}};
  json owner = ns;
  owner["uid"] = k_namespace_uid;
  json account{{"apiVersion", "v1"},
               {"kind", "ServiceAccount"},
               {"name", "default"},
               {"uid", k_account_uid}};
  if (one_in(2)) owner["controller"] = true;
  if (one_in(3)) account["controller"] = one_in(2);
  if (one_in(3)) account["blockOwnerDeletion"] = true;
  return any_subset({owner, account, ns});
}

json any_metadata(bool patch) {
  json metadata = json::object();
  if (one_in(2)) metadata["labels"] = any_map({"x", "y"}, texts(patch));
  if (one_in(3)) metadata["annotations"] = any_map({"example.com/n", "o"}, texts(patch));
  if (one_in(5)) metadata["ownerReferences"] = any_owners();
  if (one_in(8)) metadata["finalizers"] = any_subset({"example.com/a", "example.com/b"});
  return metadata;
}

json any_config_map(bool patch) {
  json body{{"data", any_map({"k", "l", "m"}, texts(patch))}};
  if (one_in(16)) body["immutable"] = true;
  return body;
}

// One that has an address and ports of nodes, or neither: which cannot change. Two ports of one
// name are refused; ports of nodes, which go by the name, get in the way of that.
json any_service(bool patch, bool has_address) {
  json spec = has_address ? json{{"type", "NodePort"}} : json{{"clusterIP", "None"}};
  if (one_in(2)) spec["selector"] = any_map({"app", "tier"}, texts(patch));
  if (one_in(2)) spec["publishNotReadyAddresses"] = one_in(2);
  if (!patch || one_in(2))
    spec["ports"] = any_subset({{{"name", "a"}, {"port", 1}},
                                {{"name", "b"}, {"port", 1}, {"protocol", "UDP"}},
                                {{"name", "c"}, {"port", 3}, {"targetPort", "web"}},
                                {{"name", has_address ? "d" : "a"}, {"port", 4}}});
  return {{"spec", std::move(spec)}};
}

json any_container(const char* name) {
  json container{{"name", name}, {"image", any_of({"i:1", "i:2"})}};
  if (one_in(3))
    container["env"] = any_subset({{{"name", "A"}, {"value", "1"}},
                                   {{"name", "B"}, {"value", "1"}},
                                   {{"name", "A"}, {"value", "2"}}});
  if (one_in(3))
    container["ports"] =
        any_subset({{{"containerPort", 1}}, {{"containerPort", 2}, {"name", "p"}}});
  return container;
}

// Nobody schedules it, so that it stays as it was written.
json any_pod(bool patch) {
  if (patch && one_in(2)) return json::object();
  json spec{{"schedulerName", "nobody"},
            {"automountServiceAccountToken", false},
            {"containers", json::array({any_container("c")})}};
  if (one_in(3)) spec["containers"].push_back(any_container("d"));
  if (one_in(4)) spec["terminationGracePeriodSeconds"] = 5;
  return {{"spec", std::move(spec)}};
}

json any_lease(bool patch) {
  json spec = any_map({"holderIdentity"}, texts(patch));
  if (one_in(2)) spec["leaseDurationSeconds"] = any_of({15, 20, 0});
  return {{"spec", std::move(spec)}};
}

// With one rule at least: an empty list is none for the real server, and yet a change of it.
json any_role(bool) {
  const json pods{{"apiGroups", {""}}, {"resources", {"pods"}}, {"verbs", {"get"}}};
  const json services{{"apiGroups", {""}}, {"resources", {"services"}}, {"verbs", {"list"}}};
  return {{"rules", any_of({json::array({pods}), json::array({pods, services})})}};
}

json any_content(const Type& type, bool patch) {
  using Maker = json (*)(bool);
  static const std::map<std::string, Maker> k_makers{{"configmaps", any_config_map},
                                                     {"pods", any_pod},
                                                     {"leases", any_lease},
                                                     {"roles", any_role}};
  const bool is_service = type.plural == std::string("services");
  json body = is_service ? any_service(patch, type.has_address) : k_makers.at(type.plural)(patch);
  body["metadata"] = any_metadata(patch);
  return body;
}

json any_object(const Type& type, const std::string& name) {
  json body = any_content(type, false);
  body["apiVersion"] = type.api_version;
  body["kind"] = type.kind;
  body["metadata"]["name"] = name;
  return body;
}

Reference any_reference() {
  return *rc::gen::weightedElement<Reference>(
      {{6, Reference::None}, {3, Reference::Current}, {1, Reference::First}});
}

std::string any_manager() { return *rc::gen::element<std::string>("m", "n"); }

Step any_create(const Type& type, const std::string& name) {
  return {.method = "POST",
          .path = std::string(type.plural) + "?fieldManager=" + any_manager(),
          .body = any_object(type, name)};
}

Step any_update(const Type& type, const std::string& name) {
  return {.method = "PUT",
          .path = std::string(type.plural) + "/" + name + "?fieldManager=" + any_manager(),
          .body = any_object(type, name),
          .uid = any_reference(),
          .version = any_reference()};
}

Step any_merge_patch(const Type& type, const std::string& name) {
  return {.method = "PATCH",
          .path = std::string(type.plural) + "/" + name + "?fieldManager=" + any_manager(),
          .content_type = "application/merge-patch+json",
          .body = any_content(type, true),
          .uid = any_reference(),
          .version = any_reference()};
}

Step any_apply(const Type& type, const std::string& name) {
  return {.method = "PATCH",
          .path = std::string(type.plural) + "/" + name + "?fieldManager=" + any_manager() +
                  (one_in(3) ? "&force=true" : ""),
          .content_type = "application/apply-patch+yaml",
          .body = any_object(type, name),
          .uid = any_reference(),
          .version = any_reference()};
}

Step any_delete(const Type& type, const std::string& name) {
  json options = json::object();
  if (one_in(4)) options["gracePeriodSeconds"] = 0;
  return {.method = "DELETE",
          .path = std::string(type.plural) + "/" + name,
          .body = std::move(options),
          .uid = any_reference(),
          .version = any_reference()};
}

// With all its times: where one is missing, the real server stores null.
json any_condition(const char* type) {
  return {{"type", type},
          {"status", any_of({"True", "False"})},
          {"lastProbeTime", "2026-01-01T00:00:00Z"},
          {"lastTransitionTime", "2026-01-01T00:00:00Z"},
          {"reason", any_of({"A", "B"})}};
}

// What a kubelet says of a pod.
json any_status() {
  json status = json::object();
  if (one_in(2)) status["phase"] = any_of({"Pending", "Running", "Failed"});
  if (one_in(3)) status["message"] = any_of({"one", "two"});
  if (one_in(2))
    status["conditions"] = any_subset(
        {any_condition("Ready"), any_condition("example.com/a"), any_condition("example.com/b")});
  return status;
}

// Labels and the like beside it are written, too; a spec is sent and changes nothing.
Step any_status_write(const Type& type, const std::string& name) {
  Step step = one_in(3)   ? any_apply(type, name)
              : one_in(2) ? any_update(type, name)
                          : any_merge_patch(type, name);
  step.path.insert(step.path.find('?'), "/status");
  step.body["status"] = any_status();
  return step;
}

Step any_list(const Type& type) {
  const auto selector = *rc::gen::element<std::string>(
      "", "x", "%21x", "x%3D1", "x%21%3D1", "x%20in%20%281%2C2%29", "x%20notin%20%281%29%2Cy");
  return {.method = "GET", .path = std::string(type.plural) + "?labelSelector=" + selector};
}

Step any_pages(const Type& type) {
  return {.method = "GET",
          .path = std::string(type.plural) + "?limit=1" + (one_in(2) ? "&labelSelector=x" : "")};
}

rc::Gen<Step> any_step(const Type& type) {
  return rc::gen::exec([type] {
    const std::string name = one_in(4) ? "b" : "a";
    const bool is_pod = type.kind == std::string("Pod");
    // A real server has a ConfigMap more than the local one, which would begin a page.
    const bool has_pages = type.kind != std::string("ConfigMap");
    // A pod is not updated as a whole: it would lack what admission has added to a real one.
    switch (*rc::gen::weightedElement<int>({{3, 0},
                                            {is_pod ? 0 : 3, 1},
                                            {3, 2},
                                            {6, 3},
                                            {2, 4},
                                            {1, 5},
                                            {has_pages ? 1 : 0, 6},
                                            {1, 7},
                                            {is_pod ? 5 : 0, 8}})) {
      case 0:
        return any_create(type, name);
      case 1:
        return any_update(type, name);
      case 2:
        return any_merge_patch(type, name);
      case 3:
        return any_apply(type, name);
      case 4:
        return any_delete(type, name);
      case 5:
        return any_list(type);
      case 6:
        return any_pages(type);
      case 8:
        return any_status_write(type, name);
      default:
        return Step{.method = "GET", .path = std::string(type.plural) + "/" + name};
    }
  });
}

const char* name_of(Reference reference) {
  switch (reference) {
    case Reference::None:
      return "none";
    case Reference::Current:
      return "current";
    case Reference::First:
      return "first";
  }
  return "";
}

}  // namespace

const Type& type_of(const std::string& plural) {
  for (const Type& type : k_types)
    if (plural == type.plural) return type;
  return k_types.front();
}

json simplest_object(const Type& type, const std::string& name) {
  json body{{"apiVersion", type.api_version}, {"kind", type.kind}, {"metadata", {{"name", name}}}};
  const std::string kind = type.kind;
  if (kind == "Service") body["spec"] = {{"clusterIP", "None"}};
  if (kind == "Pod")
    body["spec"] = {{"schedulerName", "nobody"}, {"containers", {{{"name", "c"}, {"image", "i"}}}}};
  return body;
}

std::ostream& operator<<(std::ostream& out, const Step& step) {
  return out << "\n  " << step.method << ' ' << step.path << ' ' << step.content_type << ' '
             << step.body.dump() << " uid " << name_of(step.uid) << ", version "
             << name_of(step.version);
}

rc::Gen<std::vector<Step>> any_sequence() {
  return rc::gen::exec([] {
    Type type = k_types.at(static_cast<std::size_t>(any_below(k_types.size())));
    type.has_address = one_in(2);
    return *rc::gen::container<std::vector<Step>>(any_step(type));
  });
}

}  // namespace ray_gitops::contract
