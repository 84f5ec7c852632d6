#include "reconcilers/status/message.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace ray_gitops::status {
namespace {

std::string lower(std::string text) {
  for (char& letter : text)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return text;
}

// The branch may hold what somebody else wrote to it.
std::string shown_phase(const PublishedPhase& published) { return printable(published.phase, 40); }

struct Transition {
  std::string line;
  std::optional<Phase> result;  // of a job that has ended with it
};

bool ends_job(const ObjectStatus& object) {
  return object.key.kind == Kind::RayJob &&
         (object.phase == Phase::Succeeded || object.phase == Phase::Failed);
}

// Results of jobs are what somebody waits for.
std::vector<Transition> results_first(const std::vector<Transition>& found) {
  const auto is_result = [](const Transition& transition) { return transition.result.has_value(); };
  std::vector<Transition> ordered;
  ordered.reserve(found.size());
  std::copy_if(found.begin(), found.end(), std::back_inserter(ordered), is_result);
  std::remove_copy_if(found.begin(), found.end(), std::back_inserter(ordered), is_result);
  return ordered;
}

std::vector<Transition> transitions(const StatusFacts& facts, const Tree& before) {
  const auto published = read_published(before);
  std::vector<Transition> found;
  std::map<std::string, bool> present;
  for (const ObjectStatus& object : facts.objects) {
    const std::string path = object_path(object.key);
    present[path] = true;
    const auto old = published.find(path);
    const std::string phase = name_of(object.phase);
    if (old != published.end() && old->second.phase == phase && old->second.reason == object.reason)
      continue;
    const std::string from = old == published.end() ? "new" : shown_phase(old->second);
    const bool is_result = ends_job(object) && from != phase;
    std::string line = printable(to_string(object.key), 200);
    line.append(": ").append(from).append(" -> ").append(phase);
    line.append(" (").append(object.reason).append(")");
    found.push_back({std::move(line), is_result ? std::optional(object.phase) : std::nullopt});
  }
  for (const auto& [path, old] : published)
    if (!present.contains(path))
      found.push_back({printable(path, 200) + ": " + shown_phase(old) + " -> gone", {}});
  return results_first(found);
}

std::vector<std::string> results(const std::vector<Transition>& transitions) {
  const std::vector<Phase> ends = {Phase::Succeeded, Phase::Failed};
  std::vector<std::string> parts;
  parts.reserve(ends.size());
  for (const Phase result : ends) {
    const auto count =
        std::count_if(transitions.begin(), transitions.end(),
                      [&](const Transition& transition) { return transition.result == result; });
    if (count > 0)
      parts.push_back(std::to_string(count) + (count == 1 ? " job " : " jobs ") +
                      lower(name_of(result)));
  }
  return parts;
}

std::vector<std::string> counts(const StatusFacts& facts) {
  std::map<Phase, int> by_phase;
  for (const ObjectStatus& object : facts.objects) ++by_phase[object.phase];
  std::vector<std::string> parts;
  parts.reserve(by_phase.size());
  for (const auto& [phase, count] : by_phase)
    parts.push_back(std::to_string(count) + " " + lower(name_of(phase)));
  if (!facts.diagnostics.empty())
    parts.push_back(std::to_string(facts.diagnostics.size()) + " to look at");
  if (!facts.hold_id.empty()) parts.emplace_back("held");
  if (parts.empty()) parts.emplace_back("nothing declared");
  return parts;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

// "status(prod): 2 jobs succeeded, 1 job failed; 3 ready, 2 succeeded, 1 failed @ 1a2b3c4"
std::string headline(const StatusFacts& facts, const std::vector<Transition>& transitions) {
  const std::string ended = joined(results(transitions));
  const std::string commit =
      facts.observed_commit.empty() ? "" : " @ " + facts.observed_commit.substr(0, 7);
  return "status(" + facts.agent_id + "): " + (ended.empty() ? "" : ended + "; ") +
         joined(counts(facts)) + commit;
}

std::string paragraph(const std::vector<Transition>& transitions) {
  if (transitions.empty()) return {};
  std::string text = "\n";
  for (std::size_t index = 0; index < transitions.size() && index < k_transitions_max; ++index)
    text += transitions[index].line + "\n";
  if (transitions.size() > k_transitions_max)
    text += "... and " + std::to_string(transitions.size() - k_transitions_max) + " more\n";
  return text;
}

}  // namespace

std::string render_message(const MessageInput& input) {
  const StatusFacts& facts = *input.facts;
  const std::vector<Transition> found = transitions(facts, *input.before);
  std::string text = headline(facts, found) + "\n" + paragraph(found) +
                     "\n[skip ci]\n\nRay-Gitops-Agent: " + facts.agent_id + "/" + input.instance +
                     "\n";
  if (!facts.observed_commit.empty()) text += "Spec-Commit: " + facts.observed_commit + "\n";
  return text + "Lease-Epoch: " + std::to_string(input.lease_epoch) +
         "\nIntent-Id: " + input.intent_id + "\n";
}

}  // namespace ray_gitops::status
