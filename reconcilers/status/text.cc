#include "reconcilers/status/text.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/json_members.h"
#include "reconcilers/status/columns.h"
#include "reconcilers/status/ledger.h"

namespace ray_gitops::status {
namespace {

using Json = nlohmann::json;

constexpr const char* k_green = "\x1b[32m";
constexpr const char* k_yellow = "\x1b[33m";
constexpr const char* k_red = "\x1b[31m";

std::string style_of(const std::string& phase, const TextOptions& options) {
  if (!options.colour) return {};
  if (phase == name_of(Phase::Ready) || phase == name_of(Phase::Succeeded)) return k_green;
  if (phase == name_of(Phase::Failed) || phase == name_of(Phase::Blocked)) return k_red;
  if (phase == name_of(Phase::Degraded) || phase == name_of(Phase::Held)) return k_yellow;
  return {};
}

std::string short_commit(const std::string& commit) {
  return commit.empty() ? "no commit yet" : "commit " + printable(commit.substr(0, 7));
}

std::string counted(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string place_of(const PublishedObject& object) {
  if (object.file.empty()) return "not in the repository";
  return object.line > 0 ? object.file + ":" + std::to_string(object.line) : object.file;
}

// "prod: branch main at commit 1a2b3c4, acting on commit 5d6e7f8; 3 objects: 1 Blocked, 2 Ready"
std::string heading(const PublishedSummary& summary) {
  std::string text = summary.agent_id + ": branch " + summary.branch + " at " +
                     short_commit(summary.observed_commit);
  if (summary.accepted_commit != summary.observed_commit)
    text += ", acting on " + short_commit(summary.accepted_commit);
  text += "; " +
          counted(static_cast<std::size_t>(std::max<std::int64_t>(summary.objects, 0)), "object");
  std::string_view before = ": ";
  for (const auto& [phase, count] : summary.phases) {
    text.append(before).append(std::to_string(count)).append(" ").append(phase);
    before = ", ";
  }
  return text + "\n";
}

std::string release_line(const PublishedSummary& summary) {
  return "Ray-Gitops-Release: " + summary.hold_id;
}

std::string problems(const PublishedSummary& summary) {
  std::string text;
  if (!summary.source_problem.empty())
    text +=
        "No new commit can be acted on: " + summary.source_problem + ". What runs keeps running.\n";
  if (!summary.hold_id.empty())
    text += "Held: " + summary.hold_message +
            "\nTo let it happen, push a commit (it may be empty) whose message has the line\n  " +
            release_line(summary) + "\n";
  return text;
}

std::string files_to_look_at(const PublishedStatus& status) {
  const std::int64_t count =
      std::max(status.summary.diagnostics, static_cast<std::int64_t>(status.diagnostics.size()));
  if (count == 0) return {};
  std::string text = counted(static_cast<std::size_t>(count), "diagnostic") + ":\n";
  for (std::size_t index = 0; index < status.diagnostics.size(); ++index) {
    if (index == k_text_diagnostics_max) {
      text += "  and " + std::to_string(status.diagnostics.size() - index) +
              " more: see errors/ in the branch\n";
      break;
    }
    text += "  " + to_string(status.diagnostics[index]) + "\n";
  }
  return text;
}

std::string unreadable_files(const PublishedStatus& status) {
  if (status.unreadable.empty()) return {};
  return counted(status.unreadable.size(), "file") + " of the branch cannot be understood, " +
         status.unreadable.front() + " first: has somebody else written to it?\n";
}

std::string object_table(const PublishedStatus& status, const TextOptions& options) {
  if (status.objects.empty()) return "\nNothing is declared.\n";
  constexpr std::size_t k_message_column = 2;
  ColumnTable table{
      .rows = {{{"STATE", ""}, {"OBJECT", ""}, {"MESSAGE", ""}, {"FILE", ""}, {"SINCE", ""}}},
      .flexible = k_message_column};
  for (const PublishedObject& object : status.objects)
    table.rows.push_back({{object.phase, style_of(object.phase, options)},
                          {full_name_of(object), ""},
                          {object.message, ""},
                          {place_of(object), ""},
                          {object.since, ""}});
  return "\n" + render_columns(table, options.columns_max);
}

// Members of the fact as "name value", those that are lists or objects themselves as JSON.
std::string members_of(const Json& fact) {
  if (fact.is_string()) return printable(text_of(fact));
  if (!fact.is_object()) return printable(Document(fact).canonical());
  std::string text;
  for (const auto& [name, value] : fact.items()) {
    text += text.empty() ? "" : ", ";
    text += printable(name) + " ";
    text += value.is_string() ? printable(text_of(value)) : printable(Document(value).canonical());
  }
  return text;
}

using Facts = std::vector<std::pair<std::string, std::string>>;

void add_ray_facts(const PublishedObject& object, Facts& facts) {
  const Json& ray = object.ray.json();
  if (!ray.is_object()) return;
  for (const auto& [name, value] : ray.items()) {
    if (!value.is_array())
      facts.emplace_back("ray", printable(name) + ": " + members_of(value));
    else
      for (const Json& element : value)
        facts.emplace_back("ray", printable(name) + ": " + members_of(element));
  }
}

// What a person can do: what the agent says, or how to release what waits for that.
std::string next_step(const PublishedStatus& status, const PublishedObject& object) {
  if (!object.next.empty()) return object.next;
  if (object.phase == name_of(Phase::Held) && !status.summary.hold_id.empty())
    return "to let it happen, push a commit (it may be empty) whose message has the line \"" +
           release_line(status.summary) + "\"";
  return {};
}

std::string generation(const std::string& commit, const std::string& file) {
  if (commit.empty()) return "none";
  return "commit " + commit + (file.empty() ? "" : " of " + file);
}

Facts facts_of(const PublishedStatus& status, const PublishedObject& object) {
  Facts facts{
      {"message", object.message},
      {"file", place_of(object)},
      {"spec", generation(object.spec_commit, "")},
      {"applied", generation(object.applied_commit,
                             object.applied_file == object.file ? "" : object.applied_file)}};
  for (const PublishedCondition& condition : object.conditions)
    facts.emplace_back("condition", condition.type + " is " + condition.status + " (" +
                                        condition.reason + "): " + condition.message);
  add_ray_facts(object, facts);
  for (const Diagnostic& diagnostic : diagnostics_of(status, object))
    facts.emplace_back("diagnostic", to_string(diagnostic));
  if (const std::string next = next_step(status, object); !next.empty())
    facts.emplace_back("next", next);
  return facts;
}

// The name stands before the first of facts that have it.
std::string render_facts(const Facts& facts) {
  ColumnTable table{.rows = {}, .flexible = 1};
  std::string_view before;
  for (const auto& [name, text] : facts) {
    table.rows.push_back({{name == before ? "" : name, ""}, {text, ""}});
    before = name;
  }
  return render_columns(table, 0);
}

std::string render_runs(const PublishedObject& object, const Result<FinishedRuns>& runs,
                        const TextOptions& options) {
  if (!runs)
    return "\nThe record of its runs cannot be understood: " + printable(describe(runs.error())) +
           "\n";
  if (runs->empty()) return {};
  constexpr std::size_t k_message_column = 5;
  ColumnTable table{.rows = {{{"RESULT", ""},
                              {"FINISHED", ""},
                              {"ATTEMPT", ""},
                              {"SUBMISSION", ""},
                              {"REASON", ""},
                              {"MESSAGE", ""}}},
                    .flexible = k_message_column};
  const std::size_t count = std::min(runs->size(), k_text_runs_max);
  for (auto run = runs->rbegin(); run != runs->rbegin() + static_cast<std::ptrdiff_t>(count); ++run)
    table.rows.push_back({{name_of(run->stage), style_of(name_of(run->stage), options)},
                          {to_rfc3339(run->finished_at), ""},
                          {std::to_string(run->attempt), ""},
                          {printable(run->submission_id), ""},
                          {printable(run->reason), ""},
                          {printable(run->message), ""}});
  std::string text =
      "\nRuns that have ended, the newest first:\n" + render_columns(table, options.columns_max);
  if (count < runs->size())
    text += "and " + std::to_string(runs->size() - count) + " older: see " +
            printable(ledger_path({Kind::RayJob, object.ns, object.name})) + " in the branch\n";
  return text;
}

}  // namespace

std::string render_overview(const PublishedStatus& status, const TextOptions& options) {
  return heading(status.summary) + problems(status.summary) + files_to_look_at(status) +
         unreadable_files(status) + object_table(status, options);
}

std::string render_object(const PublishedStatus& status, const PublishedObject& object,
                          const Result<FinishedRuns>& runs, const TextOptions& options) {
  const std::string style = style_of(object.phase, options);
  return full_name_of(object) + ": " + style + object.phase + (style.empty() ? "" : "\x1b[0m") +
         " (" + object.reason + ") since " + object.since + "\n" +
         render_facts(facts_of(status, object)) + render_runs(object, runs, options);
}

}  // namespace ray_gitops::status
