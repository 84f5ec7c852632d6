#include "tests/contract/player.h"

#include <algorithm>
#include <regex>
#include <sstream>
#include <string_view>
#include <utility>

namespace ray_gitops::contract {
namespace {

using nlohmann::json;
using namespace nlohmann::literals;

constexpr std::string_view k_status = "/status";
// More than there are objects.
constexpr std::size_t k_pages_max = 10;

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

// Those of several managers stand in no order.
void sort_conflicts(json& body) {
  if (text_at(body, "/reason") != "Conflict") return;
  const json::json_pointer causes("/details/causes");
  if (body.contains(causes)) std::ranges::sort(body[causes].get_ref<json::array_t&>());
}

std::string with_peculiarities_hidden(const std::string& text) {
  static const std::regex k_time("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z");
  static const std::regex k_version("(ResourceVersion in [a-z ]+(: |\\())[0-9]+");
  // How the real server stores objects is its own affair.
  static const std::regex k_storage("StorageError: .* AdditionalErrorMsg: ");
  // The real server shows how its own structures differ.
  static const std::regex k_difference(R"X(\\n@@([^"\\]|\\.)*?(\]?"))X");
  std::string hidden = std::regex_replace(text, k_time, "TIME");
  hidden = std::regex_replace(hidden, k_difference, "$2");
  hidden = std::regex_replace(hidden, k_version, "$1VERSION");
  return std::regex_replace(hidden, k_storage, "");
}

const std::string* find_reference(Reference reference, const std::vector<std::string>& known) {
  if (reference == Reference::None || known.empty()) return nullptr;
  return reference == Reference::First ? &known.front() : &known.back();
}

json with_stand_ins(const json& body, const std::map<std::string, std::string>& stand_ins) {
  std::string text = body.dump();
  for (const auto& [name, value] : stand_ins)
    text = std::regex_replace(text, std::regex("\"" + name + "\""), "\"" + value + "\"");
  return read(text);
}

// The path of the object a step is about; empty for lists.
std::string object_path(const Step& step) {
  std::string path = step.path.substr(0, step.path.find('?'));
  if (path.ends_with(k_status)) path.resize(path.size() - k_status.size());
  if (step.method != "POST") return path.find('/') == std::string::npos ? "" : path;
  return path + "/" + text_at(step.body, "/metadata/name");
}

}  // namespace

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
  stand_ins_ = {{k_namespace, ns_},
                {k_namespace_uid, uid_at("/api/v1/namespaces/" + ns_)},
                {k_account_uid, uid_at(accounts + "/default")}};
  for (const char* name : {k_namespace_uid, k_account_uid})
    number_of(uids_, "uid-", stand_ins_.at(name));
  return http == 201 || http == 409;
}

std::string Player::uid_at(const std::string& path) const {
  return text_at(read(send("GET", path, "application/json", nullptr).body), "/metadata/uid");
}

void Player::remove_namespace() const {
  send("DELETE", "/api/v1/namespaces/" + ns_, "application/json", nullptr);
}

json Player::with_references(const Step& step) const {
  json body = with_stand_ins(step.body, stand_ins_);
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
                              const std::string& prefix, const std::string& text) {
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
  if (object.contains("spec")) normalize_service(text_at(metadata, "/uid"), object["spec"]);
}

// Servers choose addresses and ports of nodes as they like: what is the same on all of them is
// whether an object keeps what it had, and which of its ports share one.
void Player::normalize_service(const std::string& uid, json& spec) {
  const auto is_kept = [this, &uid](const std::string& what, const json& value) {
    std::string& last = allocated_[uid + " " + what];
    return std::exchange(last, value.dump()) == last;
  };
  const auto hide_address = [&](json& address) {
    if (address.is_string() && address != "None" && address != "")
      address = is_kept("address", address) ? "KEPT" : "NEW";
  };
  if (spec.contains("clusterIPs"))
    for (json& address : spec["clusterIPs"]) hide_address(address);
  spec.erase("clusterIP");
  if (!spec.contains("ports") || !spec["ports"].is_array()) return;
  std::map<std::string, std::string> owners;  // of each port of a node, the first port with it
  for (json& port : spec["ports"]) {
    if (!port.contains("nodePort")) continue;
    const std::string name = text_at(port, "/name");
    const std::string& owner = owners.try_emplace(port["nodePort"].dump(), name).first->second;
    port["nodePort"] = (is_kept(name, port["nodePort"]) ? "KEPT of " : "NEW of ") + owner;
  }
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
    sort_conflicts(body);
  }
  std::string text = with_peculiarities_hidden(body.dump());
  for (const auto& [uid, number] : uids_) text = std::regex_replace(text, std::regex(uid), number);
  return read(text);
}

// A page and all that follow it.
json Player::pages(const std::string& path) {
  json pages = json::array();
  std::string token;
  do {
    const std::string next = token.empty() ? "" : "&continue=" + token;
    const Answer answer = send("GET", path + next, "application/json", nullptr);
    json body = read(answer.body);
    token = text_at(body, "/metadata/continue");
    json page{{"http", answer.http}, {"remaining", nullptr}};
    if (body.contains("/metadata/remainingItemCount"_json_pointer))
      page["remaining"] = body["metadata"]["remainingItemCount"];
    page["body"] = normalize(std::move(body));
    pages.push_back(std::move(page));
  } while (!token.empty() && pages.size() < k_pages_max);
  return {{"pages", std::move(pages)}};
}

json Player::play(const Step& step) {
  const std::string path = object_path(step);
  const std::size_t end = step.path.find_first_of("/?");
  const std::string full = path_of(step.path.substr(0, end)) + step.path.substr(end);
  if (step.path.find("?limit=") != std::string::npos) return pages(full);
  const Answer answer = send(step.method, full, step.content_type, with_references(step));
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
  allocated_.clear();
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
