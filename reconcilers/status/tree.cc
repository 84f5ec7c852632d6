#include "reconcilers/status/tree.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/status/readme.h"

namespace ray_gitops::status {
namespace {

// Members stay in the order in which a person reads them.
using Json = nlohmann::ordered_json;

std::string bytes_of(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json condition_json(const Condition& condition) {
  return Json{{"type", condition.type},
              {"status", condition.status ? "True" : "False"},
              {"reason", condition.reason},
              {"message", printable(condition.message, k_message_bytes_max)}};
}

Json object_json(const ObjectStatus& object) {
  Json conditions = Json::array();
  for (const Condition& condition : object.conditions)
    conditions.push_back(condition_json(condition));
  Json json{{"apiVersion", "ray-gitops.io/v1alpha1"},
            {"kind", "ObjectStatus"},
            {"object",
             {{"kind", name_of(object.key.kind)},
              {"namespace", object.key.ns},
              {"name", object.key.name}}},
            {"phase", name_of(object.phase)},
            {"reason", object.reason},
            {"message", printable(object.message, k_message_bytes_max)},
            {"since", to_rfc3339(object.since)},
            {"file", object.declared.path},
            {"line", object.declared.line},
            {"spec", {{"commit", object.declared.commit}, {"hash", object.declared_hash}}},
            {"applied",
             {{"commit", object.applied_commit},
              {"file", object.applied_path},
              {"hash", object.applied_hash}}},
            {"conditions", std::move(conditions)}};
  if (!object.ray.is_null()) json["ray"] = object.ray.json();
  if (!object.next.empty()) json["next"] = printable(object.next, k_message_bytes_max);
  return json;
}

Json summary_json(const StatusFacts& facts) {
  std::map<std::string, int> counts;
  for (const ObjectStatus& object : facts.objects) ++counts[name_of(object.phase)];
  Json json{{"apiVersion", "ray-gitops.io/v1alpha1"},
            {"kind", "Summary"},
            {"agent", {{"id", facts.agent_id}, {"version", facts.agent_version}}},
            {"source",
             {{"branch", facts.branch},
              {"observedCommit", facts.observed_commit},
              {"acceptedCommit", facts.accepted_commit}}},
            {"objects", facts.objects.size()},
            {"phases", counts},
            {"diagnostics", facts.diagnostics.size()}};
  if (!facts.hold_id.empty())
    json["hold"] = {{"id", facts.hold_id}, {"message", printable(facts.hold_message)}};
  if (!facts.source_problem.empty()) json["source"]["problem"] = printable(facts.source_problem);
  return json;
}

Json inventory_json(const StatusFacts& facts) {
  Json list = Json::array();
  for (const ObjectStatus& object : facts.objects)
    list.push_back({{"kind", name_of(object.key.kind)},
                    {"namespace", object.key.ns},
                    {"name", object.key.name}});
  return Json{{"apiVersion", "ray-gitops.io/v1alpha1"}, {"kind", "Inventory"}, {"objects", list}};
}

void add_error_files(const StatusFacts& facts, Tree& tree) {
  std::map<std::string, std::vector<Diagnostic>> by_path;
  for (const Diagnostic& diagnostic : facts.diagnostics)
    by_path[diagnostic.path].push_back(diagnostic);
  for (const auto& [path, diagnostics] : by_path)
    tree[error_path(path)] = render_error_file(path, diagnostics);
}

WallTime since_of(const nlohmann::json& object) {
  const auto since = parse_rfc3339(object.value("since", std::string{}));
  return since.value_or(WallTime{});
}

// One name: no '/' in it separates.
std::string escape_part(const std::string& part) {
  constexpr std::string_view k_plain = "abcdefghijklmnopqrstuvwxyz0123456789-.";
  constexpr std::string_view k_digits = "0123456789abcdef";
  std::string escaped;
  for (const char character : part) {
    const bool leading_dot = escaped.empty() && character == '.';
    if (k_plain.find(character) != k_plain.npos && !leading_dot) {
      escaped += character;
      continue;
    }
    const auto byte = static_cast<unsigned char>(character);
    escaped += '~';
    escaped += k_digits[byte >> 4U];
    escaped += k_digits[byte & 15U];
  }
  return escaped;
}

}  // namespace

std::string escape_path(const std::string& path) {
  std::string escaped;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    if (start > 0) escaped += '/';
    escaped += escape_part(path.substr(start, end - start));
    start = end + 1;
  }
  return escaped;
}

std::string error_path(const std::string& path) {
  constexpr std::string_view k_folder = ".md/";
  std::string escaped = escape_path(path);
  for (std::size_t at = escaped.find(k_folder); at != std::string::npos;
       at = escaped.find(k_folder, at))
    escaped.replace(at, 1, "~2e");
  return "errors/" + escaped + ".md";
}

std::string object_path(const ObjectKey& key) {
  std::string kind = name_of(key.kind);
  for (char& letter : kind)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  const std::string ns = key.ns.empty() ? "-" : escape_part(key.ns);
  return "objects/" + ns + "/" + kind + "/" + escape_part(key.name) + ".json";
}

Tree render_tree(const StatusFacts& facts) {
  Tree tree;
  tree["README.md"] = render_readme(facts);
  tree["summary.json"] = bytes_of(summary_json(facts));
  tree["inventory.json"] = bytes_of(inventory_json(facts));
  tree[".gitattributes"] = "*.json linguist-generated=true\n* -text\n";
  for (const ObjectStatus& object : facts.objects)
    tree[object_path(object.key)] = bytes_of(object_json(object));
  tree.insert(facts.ledger.begin(), facts.ledger.end());
  add_error_files(facts, tree);
  return tree;
}

std::map<std::string, PublishedPhase> read_published(const Tree& tree) {
  std::map<std::string, PublishedPhase> published;
  for (const auto& [path, content] : tree) {
    if (!path.starts_with("objects/")) continue;
    const Result<Document> document = Document::parse(content);
    if (!document || !document->json().is_object()) continue;
    const nlohmann::json& object = document->json();
    const bool readable = object.contains("phase") && object["phase"].is_string() &&
                          object.contains("reason") && object["reason"].is_string() &&
                          object.contains("since") && object["since"].is_string();
    if (readable)
      published[path] = {object["phase"].get<std::string>(), object["reason"].get<std::string>(),
                         since_of(object)};
  }
  return published;
}

}  // namespace ray_gitops::status
