#include "reconcilers/status/published.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <tuple>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/json_members.h"
#include "reconcilers/status/band.h"
#include "reconcilers/status/ledger.h"

namespace ray_gitops::status {
namespace {

using Json = nlohmann::json;

constexpr std::string_view k_api_version = "ray-gitops.io/v1alpha1";
constexpr std::string_view k_objects_folder = "objects/";
constexpr std::string_view k_errors_folder = "errors/";
constexpr std::string_view k_page_end = ".md";
constexpr std::size_t k_candidates_shown_max = 10;

template <class... Names>
std::string shown(const Json& object, Names... names) {
  return printable(text_of(member(object, names...)));
}

PublishedSummary summary_of(const Json& json) {
  PublishedSummary summary;
  summary.agent_id = shown(json, "agent", "id");
  summary.branch = shown(json, "source", "branch");
  summary.observed_commit = shown(json, "source", "observedCommit");
  summary.accepted_commit = shown(json, "source", "acceptedCommit");
  summary.source_problem = shown(json, "source", "problem");
  summary.hold_id = shown(json, "hold", "id");
  summary.hold_message = shown(json, "hold", "message");
  summary.objects = integer_of(member(json, "objects"));
  summary.diagnostics = integer_of(member(json, "diagnostics"));
  const Json& phases = member(json, "phases");
  if (phases.is_object())
    for (const auto& [phase, count] : phases.items())
      summary.phases.emplace_back(printable(phase), integer_of(count));
  return summary;
}

bool is_of_kind(const Json& json, const char* kind) {
  return text_of(member(json, "apiVersion")) == k_api_version &&
         text_of(member(json, "kind")) == kind;
}

std::vector<PublishedCondition> conditions_of(const Json& list) {
  std::vector<PublishedCondition> conditions;
  if (!list.is_array()) return conditions;
  for (const Json& condition : list)
    conditions.push_back({.type = shown(condition, "type"),
                          .status = shown(condition, "status"),
                          .reason = shown(condition, "reason"),
                          .message = shown(condition, "message")});
  return conditions;
}

std::optional<PublishedObject> object_of(const std::string& path, const std::string& content) {
  const Result<Document> document = Document::parse(content);
  if (!document || !is_of_kind(document->json(), "ObjectStatus")) return std::nullopt;
  const Json& json = document->json();
  return PublishedObject{.path = path,
                         .kind = shown(json, "object", "kind"),
                         .ns = shown(json, "object", "namespace"),
                         .name = shown(json, "object", "name"),
                         .phase = shown(json, "phase"),
                         .reason = shown(json, "reason"),
                         .message = shown(json, "message"),
                         .since = shown(json, "since"),
                         .file = shown(json, "file"),
                         .line = integer_of(member(json, "line")),
                         .spec_commit = shown(json, "spec", "commit"),
                         .applied_commit = shown(json, "applied", "commit"),
                         .applied_file = shown(json, "applied", "file"),
                         .conditions = conditions_of(member(json, "conditions")),
                         .ray = Document(member(json, "ray")),
                         .next = shown(json, "next")};
}

// What a newer agent calls a phase may be one that this version has no name for.
Band band_of_name(const std::string& phase) {
  for (int number = 0; number <= static_cast<int>(Phase::Held); ++number)
    if (phase == name_of(static_cast<Phase>(number))) return band_of(static_cast<Phase>(number));
  return Band::Lives;
}

auto place_in_order(const PublishedObject& object) {
  const Kind kind = parse_kind(object.kind).value_or(Kind::Secret);
  return std::tuple(band_of_name(object.phase), kind, std::string_view(object.ns),
                    std::string_view(object.name), std::string_view(object.path));
}

// The inverse of escape_path.
std::string unescape_path(std::string_view escaped) {
  std::string path;
  for (std::size_t index = 0; index < escaped.size(); ++index) {
    unsigned byte = 0;
    const char* const digits = escaped.data() + index + 1;
    const bool is_escape = escaped[index] == '~' && index + 2 < escaped.size() &&
                           std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
    path += is_escape ? static_cast<char>(byte) : escaped[index];
    if (is_escape) index += 2;
  }
  return path;
}

// The inverse of escape_markdown.
std::string unescape_markdown(std::string_view text) {
  constexpr std::pair<std::string_view, char> k_entities[] = {
      {"&#64;", '@'}, {"&lt;", '<'}, {"&amp;", '&'}};
  std::string plain;
  while (!text.empty()) {
    const auto* const entity =
        std::find_if(std::begin(k_entities), std::end(k_entities),
                     [&](const auto& candidate) { return text.starts_with(candidate.first); });
    if (entity != std::end(k_entities)) {
      plain += entity->second;
      text.remove_prefix(entity->first.size());
      continue;
    }
    if (text.size() > 1 && text.front() == '\\') text.remove_prefix(1);
    plain += text.front();
    text.remove_prefix(1);
  }
  return plain;
}

// Removes `start` from the front of the text; false when it does not begin so.
bool skip(std::string_view& text, std::string_view start) {
  if (!text.starts_with(start)) return false;
  text.remove_prefix(start.size());
  return true;
}

bool take_number(std::string_view& text, int& number) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || number < 0) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

// "## Line 9, column 3: UnknownField"
std::optional<Diagnostic> heading_of(std::string_view line) {
  Diagnostic diagnostic;
  if (!skip(line, "## Line ") || !take_number(line, diagnostic.line) || !skip(line, ", column ") ||
      !take_number(line, diagnostic.column) || !skip(line, ": "))
    return std::nullopt;
  diagnostic.rule = printable(std::string(line));
  return diagnostic;
}

std::string lower(std::string text) {
  for (char& letter : text)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return text;
}

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('/', start), text.size());
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

bool is_asked_for(const PublishedObject& object, const std::vector<std::string>& parts) {
  if (object.name != parts.back()) return false;
  if (parts.size() > 1 && lower(object.kind) != lower(parts.front())) return false;
  return parts.size() < 3 || object.ns == parts[1];
}

std::string listed(const std::vector<const PublishedObject*>& objects) {
  std::string text;
  for (std::size_t index = 0; index < objects.size() && index < k_candidates_shown_max; ++index)
    text += (index == 0 ? "" : ", ") + full_name_of(*objects[index]);
  return objects.size() > k_candidates_shown_max ? text + ", ..." : text;
}

}  // namespace

Result<PublishedStatus> read_tree(const Tree& tree) {
  const auto file = tree.find(k_summary_path);
  if (file == tree.end())
    return fail(ErrorCode::NotFound, "it is not there: no agent has written this branch",
                k_summary_path);
  const Document document = TRY(Document::parse(file->second));
  if (!is_of_kind(document.json(), "Summary"))
    return fail(ErrorCode::InvalidInput,
                "it is no Summary of " + std::string(k_api_version) +
                    ", the version that this program understands",
                k_summary_path);
  PublishedStatus status;
  status.summary = summary_of(document.json());
  for (const auto& [path, content] : tree) {
    if (path.starts_with(k_objects_folder)) {
      if (auto object = object_of(path, content))
        status.objects.push_back(std::move(*object));
      else
        status.unreadable.push_back(printable(path));
    } else if (path.starts_with(k_errors_folder)) {
      const std::vector<Diagnostic> found = read_error_file(path, content);
      status.diagnostics.insert(status.diagnostics.end(), found.begin(), found.end());
    }
  }
  std::sort(status.objects.begin(), status.objects.end(),
            [](const PublishedObject& left, const PublishedObject& right) {
              return place_in_order(left) < place_in_order(right);
            });
  return status;
}

std::vector<Diagnostic> read_error_file(const std::string& path, const std::string& content) {
  std::string_view escaped = path;
  skip(escaped, k_errors_folder);
  if (escaped.ends_with(k_page_end)) escaped.remove_suffix(k_page_end.size());
  const std::string about = printable(unescape_path(escaped));
  std::vector<Diagnostic> diagnostics;
  for (std::string_view rest = content; !rest.empty();) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (std::optional<Diagnostic> next = heading_of(line)) {
      next->path = about;
      diagnostics.push_back(std::move(*next));
    } else if (!diagnostics.empty() && skip(line, "* Found: ")) {
      diagnostics.back().found = printable(unescape_markdown(line));
    } else if (!diagnostics.empty() && skip(line, "* Do: ")) {
      diagnostics.back().write = printable(unescape_markdown(line));
    }
  }
  return diagnostics;
}

std::string full_name_of(const PublishedObject& object) {
  return object.kind + "/" + (object.ns.empty() ? "" : object.ns + "/") + object.name;
}

Result<const PublishedObject*> find_object(const PublishedStatus& status,
                                           const std::string& asked) {
  const std::vector<std::string> parts = parts_of(asked);
  const bool has_empty_part = std::find(parts.begin(), parts.end(), "") != parts.end();
  if (parts.size() > 3 || has_empty_part)
    return fail(ErrorCode::InvalidInput, "write Kind/namespace/name, Kind/name or name", asked);
  std::vector<const PublishedObject*> found;
  for (const PublishedObject& object : status.objects)
    if (is_asked_for(object, parts)) found.push_back(&object);
  if (found.empty()) return fail(ErrorCode::NotFound, "the status holds no such object", asked);
  if (found.size() > 1)
    return fail(ErrorCode::InvalidInput, "several objects have this name: " + listed(found), asked);
  return found.front();
}

Result<FinishedRuns> published_runs(const Tree& tree, const PublishedObject& object) {
  if (object.kind != name_of(Kind::RayJob)) return FinishedRuns{};
  const auto ledger = tree.find(ledger_path({Kind::RayJob, object.ns, object.name}));
  if (ledger == tree.end()) return FinishedRuns{};
  return read_ledger(ledger->second);
}

std::vector<Diagnostic> diagnostics_of(const PublishedStatus& status,
                                       const PublishedObject& object) {
  std::vector<Diagnostic> found;
  for (const Diagnostic& diagnostic : status.diagnostics)
    if (diagnostic.path == object.file) found.push_back(diagnostic);
  return found;
}

Result<std::string> safe_json(const std::string& content) {
  TRY(Document::parse(content));  // refuses what is too deep to be gone through
  const auto json = nlohmann::ordered_json::parse(content, nullptr, false);
  return json.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace ray_gitops::status
