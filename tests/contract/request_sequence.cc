#include "tests/contract/request_sequence.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ostream>
#include <regex>
#include <sstream>
#include <thread>
#include <utility>

namespace ray_gitops::contract {
namespace {

using nlohmann::json;

struct Type {
  const char* group_path;
  const char* plural;
  const char* api_version;
  const char* kind;
};

constexpr std::array k_types{
    Type{"/api/v1", "configmaps", "v1", "ConfigMap"}, Type{"/api/v1", "services", "v1", "Service"},
    Type{"/api/v1", "pods", "v1", "Pod"},
    Type{"/apis/coordination.k8s.io/v1", "leases", "coordination.k8s.io/v1", "Lease"},
    Type{"/apis/rbac.authorization.k8s.io/v1", "roles", "rbac.authorization.k8s.io/v1", "Role"}};

const Type& type_of(const std::string& plural) {
  for (const Type& type : k_types)
    if (plural == type.plural) return type;
  return k_types.front();
}

// --- what is asked

// Shrinks to false, so that the simplest objects have the fewest fields.
bool one_in(int count) { return *rc::gen::inRange(0, count) == count - 1; }

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

json any_metadata(bool patch) {
  json metadata = json::object();
  if (one_in(2)) metadata["labels"] = any_map({"x", "y"}, texts(patch));
  if (one_in(3)) metadata["annotations"] = any_map({"example.com/n", "o"}, texts(patch));
  if (one_in(8)) metadata["finalizers"] = any_subset({"example.com/a", "example.com/b"});
  return metadata;
}

json any_config_map(bool patch) {
  json body{{"data", any_map({"k", "l", "m"}, texts(patch))}};
  if (one_in(16)) body["immutable"] = true;
  return body;
}

json any_service(bool patch) {
  json spec{{"clusterIP", "None"}};
  if (one_in(2)) spec["selector"] = any_map({"app", "tier"}, texts(patch));
  if (one_in(2)) spec["publishNotReadyAddresses"] = one_in(2);
  if (!patch || one_in(2))
    spec["ports"] = any_subset({{{"name", "a"}, {"port", 1}},
                                {{"name", "b"}, {"port", 1}, {"protocol", "UDP"}},
                                {{"name", "c"}, {"port", 3}, {"targetPort", "web"}},
                                {{"name", "a"}, {"port", 4}}});
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

json any_role(bool) {
  return {{"rules",
           any_subset({{{"apiGroups", {""}}, {"resources", {"pods"}}, {"verbs", {"get"}}},
                       {{"apiGroups", {""}}, {"resources", {"services"}}, {"verbs", {"list"}}}})}};
}

json any_content(const Type& type, bool patch) {
  using Maker = json (*)(bool);
  static const std::map<std::string, Maker> k_makers{{"configmaps", any_config_map},
                                                     {"services", any_service},
                                                     {"pods", any_pod},
                                                     {"leases", any_lease},
                                                     {"roles", any_role}};
  json body = k_makers.at(type.plural)(patch);
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

json simplest_object(const Type& type, const std::string& name) {
  json body{{"apiVersion", type.api_version}, {"kind", type.kind}, {"metadata", {{"name", name}}}};
  const std::string kind = type.kind;
  if (kind == "Service") body["spec"] = {{"clusterIP", "None"}};
  if (kind == "Pod")
    body["spec"] = {{"schedulerName", "nobody"}, {"containers", {{{"name", "c"}, {"image", "i"}}}}};
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

Step any_list(const Type& type) {
  const auto selector = *rc::gen::element<std::string>(
      "", "x", "%21x", "x%3D1", "x%21%3D1", "x%20in%20%281%2C2%29", "x%20notin%20%281%29%2Cy");
  return {.method = "GET", .path = std::string(type.plural) + "?labelSelector=" + selector};
}

rc::Gen<Step> any_step(const Type& type) {
  return rc::gen::exec([&type] {
    const std::string name = one_in(4) ? "b" : "a";
    switch (
        *rc::gen::weightedElement<int>({{3, 0}, {3, 1}, {3, 2}, {6, 3}, {2, 4}, {1, 5}, {1, 6}})) {
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
      default:
        return Step{.method = "GET", .path = std::string(type.plural) + "/" + name};
    }
  });
}

// --- what is answered

json read(const std::string& text) { return json::parse(text, nullptr, false); }

std::string text_at(const json& object, const char* pointer) {
  const json::json_pointer at(pointer);
  return object.is_object() && object.contains(at) && object[at].is_string()
             ? object[at].get<std::string>()
             : std::string{};
}

// What admission, controllers and later releases add to the objects of a real server.
void drop_additions(json& object) {
  if (!object.contains("spec") || !object["spec"].is_object()) return;
  for (const char* field :
       {"tolerations", "serviceAccount", "serviceAccountName", "priority", "preemptionPolicy"})
    object["spec"].erase(field);
  if (object.contains("status") && object["status"].is_object()) object["status"].erase("qosClass");
}

// Entries of the same second stand in the order of their times, which tests cannot choose.
void sort_managers(json& metadata) {
  if (!metadata.contains("managedFields")) return;
  json& entries = metadata["managedFields"];
  for (json& entry : entries) entry.erase("time");
  std::ranges::sort(entries.get_ref<json::array_t&>());
}

std::string with_times_and_storage_hidden(const std::string& text) {
  static const std::regex k_time("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z");
  static const std::regex k_version("(ResourceVersion in [a-z ]+(: |\\())[0-9]+");
  // How the real server stores objects is its own affair.
  static const std::regex k_storage("StorageError: .* AdditionalErrorMsg: ");
  std::string hidden = std::regex_replace(text, k_time, "TIME");
  hidden = std::regex_replace(hidden, k_version, "$1VERSION");
  return std::regex_replace(hidden, k_storage, "");
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

const std::string* find_reference(Reference reference, const std::vector<std::string>& known) {
  if (reference == Reference::None || known.empty()) return nullptr;
  return reference == Reference::First ? &known.front() : &known.back();
}

// The path of the object a step is about; empty for lists.
std::string object_path(const Step& step) {
  const std::string path = step.path.substr(0, step.path.find('?'));
  if (step.method != "POST") return path.find('/') == std::string::npos ? "" : path;
  return path + "/" + text_at(step.body, "/metadata/name");
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Step& step) {
  return out << "\n  " << step.method << ' ' << step.path << ' ' << step.content_type << ' '
             << step.body.dump() << " uid " << name_of(step.uid) << ", version "
             << name_of(step.version);
}

rc::Gen<std::vector<Step>> any_sequence() {
  return rc::gen::exec([] {
    const Type& type = k_types.at(*rc::gen::inRange<std::size_t>(0, k_types.size()));
    return *rc::gen::container<std::vector<Step>>(any_step(type));
  });
}

Answer Player::send(const std::string& method, const std::string& path, const std::string& type,
                    const json& body, const std::string& until) const {
  return send_request(target_, {.method = method,
                                .path = path,
                                .content_type = type,
                                .accept = {},
                                .body = body.is_null() ? "" : body.dump(),
                                .token = target_.token,
                                .until = until});
}

std::string Player::path_of(const std::string& plural) const {
  return std::string(type_of(plural).group_path) + "/namespaces/" + ns_ + "/" + plural;
}

bool Player::make_namespace() {
  const Answer made =
      send("POST", "/api/v1/namespaces", "application/json", {{"metadata", {{"name", ns_}}}});
  if (made.http != 201) return false;
  first_version_ = text_at(read(made.body), "/metadata/resourceVersion");
  const json account{{"metadata", {{"name", "default"}}}};
  const std::string accounts = "/api/v1/namespaces/" + ns_ + "/serviceaccounts";
  const int http = send("POST", accounts, "application/json", account).http;
  return http == 201 || http == 409;
}

void Player::remove_namespace() const {
  send("DELETE", "/api/v1/namespaces/" + ns_, "application/json", nullptr);
}

json Player::with_references(const Step& step) const {
  json body = step.body;
  const auto seen = seen_.find(object_path(step));
  if (seen == seen_.end()) return body;
  const char* parent = step.method == "DELETE" ? "preconditions" : "metadata";
  if (const std::string* uid = find_reference(step.uid, seen->second.uids))
    body[parent]["uid"] = *uid;
  if (const std::string* version = find_reference(step.version, seen->second.versions))
    body[parent]["resourceVersion"] = *version;
  return body;
}

void Player::remember(const std::string& path, const json& body) {
  if (path.empty()) return;
  const auto note = [](std::vector<std::string>& known, const std::string& text) {
    if (!text.empty() && (known.empty() || known.back() != text)) known.push_back(text);
  };
  note(seen_[path].uids, text_at(body, "/metadata/uid"));
  note(seen_[path].versions, text_at(body, "/metadata/resourceVersion"));
}

std::string Player::number_of(std::map<std::string, std::string>& numbers,
                              const std::string& prefix, const std::string& text) const {
  return numbers.try_emplace(text, prefix + std::to_string(numbers.size())).first->second;
}

void Player::normalize_object(json& object) {
  if (!object.is_object() || !object.contains("metadata")) return;
  json& metadata = object["metadata"];
  if (const std::string uid = text_at(metadata, "/uid"); !uid.empty())
    metadata["uid"] = number_of(uids_, "uid-", uid);
  if (const std::string version = text_at(metadata, "/resourceVersion"); !version.empty())
    metadata["resourceVersion"] = number_of(versions_, "version-", version);
  sort_managers(metadata);
  drop_additions(object);
}

json Player::normalize(json body) {
  if (body.is_object() && body.contains("items")) {
    body.erase("metadata");
    std::erase_if(body["items"].get_ref<json::array_t&>(), [](const json& item) {
      return text_at(item, "/metadata/name") == "kube-root-ca.crt";
    });
    for (json& item : body["items"]) normalize_object(item);
  } else {
    normalize_object(body);
  }
  std::string text = with_times_and_storage_hidden(body.dump());
  for (const auto& [uid, number] : uids_) text = std::regex_replace(text, std::regex(uid), number);
  return read(text);
}

json Player::play(const Step& step) {
  const std::string path = object_path(step);
  const std::size_t end = step.path.find_first_of("/?");
  const Answer answer = send(step.method, path_of(step.path.substr(0, end)) + step.path.substr(end),
                             step.content_type, with_references(step));
  json body = read(answer.body);
  if (answer.http < 300 && text_at(body, "/kind") != "Status") remember(path, body);
  return {{"http", answer.http}, {"body", normalize(std::move(body))}};
}

json Player::events(const std::string& plural) {
  constexpr const char* k_last = "the-last-one";
  send("POST", path_of(plural), "application/json", simplest_object(type_of(plural), k_last));
  const Answer answer =
      send("GET", path_of(plural) + "?watch=1&timeoutSeconds=5&resourceVersion=" + first_version_,
           "application/json", nullptr, k_last);
  json events = json::array();
  std::istringstream lines(answer.body);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(k_last) != std::string::npos) break;
    json event = read(line);
    if (text_at(event, "/object/metadata/name") == "kube-root-ca.crt") continue;
    events.push_back({{"type", event["type"]}, {"object", normalize(event["object"])}});
  }
  return events;
}

}  // namespace ray_gitops::contract
