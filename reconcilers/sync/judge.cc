#include "reconcilers/sync/judge.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "reconcilers/model/digest.h"

namespace ray_gitops::sync {
namespace {

constexpr std::size_t k_hold_id_digits = 12;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

bool releases(std::string_view message, const std::string& hold_id) {
  while (!message.empty()) {
    const std::size_t end = message.find('\n');
    const std::string_view line = message.substr(0, end);
    const std::size_t colon = line.find(':');
    if (colon != line.npos && line.substr(0, colon) == k_release_trailer &&
        trimmed(line.substr(colon + 1)) == hold_id)
      return true;
    if (end == message.npos) break;
    message.remove_prefix(end + 1);
  }
  return false;
}

// A group that is new or gone restarts nothing that stays.
bool restarts(const RestartHashes& live, const RestartHashes& wanted) {
  return std::any_of(live.begin(), live.end(), [&](const auto& entry) {
    const auto found = wanted.find(entry.first);
    return found != wanted.end() && found->second != entry.second;
  });
}

struct Candidates {
  std::vector<ObjectKey> removals;
  std::vector<ObjectKey> restarts;
};

Candidates find_candidates(const CommitFacts& commit, const LiveFacts& live) {
  Candidates found;
  for (const auto& [key, hashes] : live.objects) {
    const auto wanted = commit.wanted.find(key);
    const bool may_go = !commit.opaque_file && !live.approved_removals.contains(key);
    if (wanted != commit.wanted.end()) {
      if (restarts(hashes, wanted->second)) found.restarts.push_back(key);
    } else if (!commit.named.contains(key) && may_go && key.kind != Kind::Namespace) {
      found.removals.push_back(key);
    }
  }
  return found;
}

std::string id_of(const Candidates& found) {
  std::string lines;
  for (const ObjectKey& key : found.removals) lines += "remove " + to_string(key) + "\n";
  for (const ObjectKey& key : found.restarts) lines += "restart " + to_string(key) + "\n";
  return short_hash(lines, k_hold_id_digits);
}

std::string how_to_release(const std::string& hold_id) {
  return "; to let it happen, add the line \"" + std::string(k_release_trailer) + ": " + hold_id +
         "\" at the end of the next commit's message";
}

Verdict hold_rewind(const CommitFacts& commit, const std::string& hold_id) {
  Verdict verdict;
  verdict.acted_on = false;
  verdict.hold_id = hold_id;
  verdict.message = "commit " + commit.commit.substr(0, 7) + " does not descend from " +
                    commit.accepted.substr(0, 7) +
                    ", the last one acted on: nothing of it is done" + how_to_release(hold_id);
  return verdict;
}

std::string hold_message(const Candidates& found, std::size_t live, bool empty) {
  std::string message = empty ? "no declaration is left: " : "";
  message += "the commit would remove " + std::to_string(found.removals.size()) + " and restart " +
             std::to_string(found.restarts.size()) + " of " + std::to_string(live) + " objects";
  return message;
}

bool over_budget(std::size_t count, std::size_t live, const GuardSettings& settings) {
  return count > static_cast<std::size_t>(settings.objects) &&
         count * 100 > live * static_cast<std::size_t>(settings.percent);
}

// Approved by an earlier commit, still there, and still not declared.
std::vector<ObjectKey> still_approved(const CommitFacts& commit, const LiveFacts& live) {
  std::vector<ObjectKey> keys;
  for (const ObjectKey& key : live.approved_removals)
    if (live.objects.contains(key) && !commit.wanted.contains(key) && !commit.named.contains(key))
      keys.push_back(key);
  return keys;
}

}  // namespace

RestartHashes restart_hashes(const Declaration& declaration) {
  RestartHashes hashes;
  const auto* cluster = std::get_if<RayClusterSpec>(&declaration.spec);
  if (cluster == nullptr) return hashes;
  const auto add = [&](const GroupSpec& group) {
    hashes[group.name] = group.template_hash + group.runtime_hash;
  };
  add(cluster->head);
  for (const GroupSpec& group : cluster->workers) add(group);
  return hashes;
}

Verdict judge(const CommitFacts& commit, const LiveFacts& live, const GuardSettings& settings) {
  if (!commit.descends_from_accepted) {
    const std::string hold_id = short_hash("leave " + commit.accepted, k_hold_id_digits);
    if (!releases(commit.message, hold_id)) return hold_rewind(commit, hold_id);
  }
  Verdict verdict;
  verdict.removals = still_approved(commit, live);
  const Candidates found = find_candidates(commit, live);
  const std::size_t count = found.removals.size() + found.restarts.size();
  const bool empty = commit.wanted.empty() && commit.named.empty() && !found.removals.empty();
  const std::string hold_id = id_of(found);
  const bool hold = empty || over_budget(count, live.objects.size(), settings);
  if (hold && !releases(commit.message, hold_id)) {
    verdict.held = found.removals;
    verdict.held.insert(verdict.held.end(), found.restarts.begin(), found.restarts.end());
    std::sort(verdict.held.begin(), verdict.held.end());
    verdict.hold_id = hold_id;
    verdict.message = hold_message(found, live.objects.size(), empty) + how_to_release(hold_id);
    return verdict;
  }
  verdict.removals.insert(verdict.removals.end(), found.removals.begin(), found.removals.end());
  std::sort(verdict.removals.begin(), verdict.removals.end());
  return verdict;
}

}  // namespace ray_gitops::sync
