#include "reconcilers/status/message.h"

#include <map>
#include <vector>

namespace ray_gitops::status {
namespace {

std::string lower(std::string text) {
  for (char& letter : text)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return text;
}

std::string headline(const StatusFacts& facts) {
  std::map<Phase, int> counts;
  for (const ObjectStatus& object : facts.objects) ++counts[object.phase];
  std::string text;
  const auto add = [&](const std::string& part) {
    if (!text.empty()) text += ", ";
    text += part;
  };
  for (const auto& [phase, count] : counts)
    add(std::to_string(count) + " " + lower(name_of(phase)));
  if (!facts.diagnostics.empty()) add(std::to_string(facts.diagnostics.size()) + " to look at");
  if (!facts.hold_id.empty()) add("held");
  if (text.empty()) text = "nothing declared";
  const std::string commit =
      facts.observed_commit.empty() ? "" : " @ " + facts.observed_commit.substr(0, 7);
  return "status(" + facts.agent_id + "): " + text + commit;
}

// The branch may hold what somebody else wrote to it.
std::string shown_phase(const PublishedPhase& published) { return printable(published.phase, 40); }

std::vector<std::string> transitions(const StatusFacts& facts, const Tree& before) {
  const auto published = read_published(before);
  std::vector<std::string> lines;
  std::map<std::string, bool> present;
  for (const ObjectStatus& object : facts.objects) {
    const std::string path = object_path(object.key);
    present[path] = true;
    const auto old = published.find(path);
    const std::string phase = name_of(object.phase);
    if (old != published.end() && old->second.phase == phase && old->second.reason == object.reason)
      continue;
    const std::string from = old == published.end() ? "new" : shown_phase(old->second);
    std::string line = printable(to_string(object.key), 200);
    line.append(": ").append(from).append(" -> ").append(phase);
    lines.push_back(line.append(" (").append(object.reason).append(")"));
  }
  for (const auto& [path, old] : published)
    if (!present.contains(path))
      lines.push_back(printable(path, 200) + ": " + shown_phase(old) + " -> gone");
  return lines;
}

std::string paragraph(const std::vector<std::string>& lines) {
  if (lines.empty()) return {};
  std::string text = "\n";
  for (std::size_t index = 0; index < lines.size() && index < k_transitions_max; ++index)
    text += lines[index] + "\n";
  if (lines.size() > k_transitions_max)
    text += "... and " + std::to_string(lines.size() - k_transitions_max) + " more\n";
  return text;
}

}  // namespace

std::string render_message(const MessageInput& input) {
  const StatusFacts& facts = *input.facts;
  std::string text = headline(facts) + "\n" + paragraph(transitions(facts, *input.before)) +
                     "\n[skip ci]\n\nRay-Gitops-Agent: " + facts.agent_id + "/" + input.instance +
                     "\n";
  if (!facts.observed_commit.empty()) text += "Spec-Commit: " + facts.observed_commit + "\n";
  return text + "Lease-Epoch: " + std::to_string(input.lease_epoch) +
         "\nIntent-Id: " + input.intent_id + "\n";
}

}  // namespace ray_gitops::status
