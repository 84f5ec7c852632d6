#include "reconcilers/status/readme.h"

#include <string_view>

#include "reconcilers/status/band.h"

namespace ray_gitops::status {
namespace {

const char* symbol_of(Phase phase) {
  switch (phase) {
    case Phase::Ready:
    case Phase::Succeeded:
      return "🟢";
    case Phase::Pending:
    case Phase::Applying:
    case Phase::Progressing:
    case Phase::Running:
      return "🔵";
    case Phase::Degraded:
      return "🟠";
    case Phase::Failed:
    case Phase::Blocked:
      return "🔴";
    case Phase::Suspended:
    case Phase::Removing:
    case Phase::Held:
      return "⚪";
  }
  return "";
}

std::string short_commit(const std::string& commit) {
  return commit.empty() ? "none yet" : "`" + commit.substr(0, 7) + "`";
}

std::string place_of(const ObjectStatus& object) {
  if (object.declared.path.empty()) return "not in the repository";
  return escape_markdown(object.declared.path) + ":" + std::to_string(object.declared.line);
}

std::string row_of(const ObjectStatus& object) {
  const std::string ns = object.key.ns.empty() ? "" : escape_markdown(object.key.ns) + "/";
  return std::string("| ") + symbol_of(object.phase) + " " + name_of(object.phase) + " | [" +
         name_of(object.key.kind) + " " + ns + escape_markdown(object.key.name) + "](" +
         object_path(object.key) + ") | " + escape_markdown(printable(object.message, 200)) +
         " | " + place_of(object) + " | " + to_rfc3339(object.since) + " |\n";
}

std::string headline(const StatusFacts& facts) {
  std::string text = "Branch **" + escape_markdown(facts.branch) + "** at commit " +
                     short_commit(facts.observed_commit);
  if (facts.accepted_commit != facts.observed_commit)
    text += "; acting on " + short_commit(facts.accepted_commit);
  return text + ".\n";
}

std::string hold_section(const StatusFacts& facts) {
  if (facts.hold_id.empty()) return {};
  return "\n## Held\n\n" + escape_markdown(facts.hold_message) + "\n\n```\n" +
         "Ray-Gitops-Release: " + facts.hold_id + "\n```\n";
}

std::string diagnostics_section(const StatusFacts& facts) {
  if (facts.diagnostics.empty()) return {};
  std::string text = "\n## Files to look at\n\n";
  std::size_t shown = 0;
  for (const Diagnostic& diagnostic : facts.diagnostics) {
    if (shown++ == k_readme_diagnostics_max) break;
    text += std::string("* ") +
            (diagnostic.severity == Severity::Error ? "**error** " : "warning ") +
            escape_markdown(to_string(diagnostic)) + "\n";
  }
  if (facts.diagnostics.size() > k_readme_diagnostics_max)
    text += "* and " + std::to_string(facts.diagnostics.size() - k_readme_diagnostics_max) +
            " more: see `errors/`\n";
  return text;
}

std::string object_table(const StatusFacts& facts) {
  if (facts.objects.empty()) return "\n## Objects\n\nNothing is declared.\n";
  std::string text =
      "\n## Objects\n\n| State | Object | What is going on | File | Since "
      "|\n|---|---|---|---|---|\n";
  for (const Band band : k_bands)
    for (const ObjectStatus& object : facts.objects)
      if (band_of(object.phase) == band) text += row_of(object);
  return text;
}

std::string cut_at_line(std::string text, std::size_t bytes_max) {
  static constexpr std::string_view k_more = "\n… and more: see `objects/` and `errors/`.\n";
  if (text.size() <= bytes_max) return text;
  text.resize(text.rfind('\n', bytes_max - k_more.size()));
  return text + std::string(k_more);
}

}  // namespace

std::string escape_markdown(const std::string& text) {
  constexpr std::string_view k_special = "\\`*_{}[]()<>#+!|~@&";
  std::string escaped;
  for (const char character : printable(text)) {
    // An entity, not a backslash: it also stops mentions.
    if (character == '@')
      escaped += "&#64;";
    else if (character == '<')
      escaped += "&lt;";
    else if (character == '&')
      escaped += "&amp;";
    else {
      if (k_special.find(character) != k_special.npos) escaped += '\\';
      escaped += character;
    }
  }
  return escaped;
}

std::string render_readme(const StatusFacts& facts) {
  std::string text = "# Ray status: " + escape_markdown(facts.agent_id) + "\n\n" + headline(facts);
  if (!facts.source_problem.empty())
    text += "\n**No new commit can be acted on:** " + escape_markdown(facts.source_problem) +
            ". What runs keeps running.\n";
  text += hold_section(facts) + diagnostics_section(facts) + object_table(facts) +
          "\nWritten by ray-gitops " + facts.agent_version +
          ". Only the agent writes this branch; change the files on **" +
          escape_markdown(facts.branch) + "** instead.\n";
  return cut_at_line(std::move(text), k_readme_bytes_max);
}

std::string render_error_file(const std::string& path, const std::vector<Diagnostic>& diagnostics) {
  std::string text = "# " + escape_markdown(path) + "\n";
  for (const Diagnostic& diagnostic : diagnostics) {
    text += "\n## Line " + std::to_string(diagnostic.line) + ", column " +
            std::to_string(diagnostic.column) + ": " + diagnostic.rule + "\n\n";
    text += "* Found: " + escape_markdown(diagnostic.found) + "\n";
    if (!diagnostic.write.empty()) text += "* Do: " + escape_markdown(diagnostic.write) + "\n";
  }
  return text;
}

}  // namespace ray_gitops::status
