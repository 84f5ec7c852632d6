#include "agent/engine/acceptance.h"

#include <algorithm>
#include <set>
#include <utility>

#include "reconcilers/manifest/names.h"
#include "reconcilers/sync/companion.h"
#include "reconcilers/sync/judge.h"

namespace ray_gitops::engine {
namespace {

sync::CommitFacts facts_of(const LoadedCommit& commit, const std::string& accepted) {
  sync::CommitFacts facts{.commit = commit.commit,
                          .message = commit.message,
                          .accepted = accepted,
                          .descends_from_accepted = commit.descends_from_accepted,
                          .wanted = {},
                          .named = {},
                          .opaque_file = commit.opaque_file};
  for (const auto& [key, declaration] : commit.declarations) {
    // A Blocked document asks for nothing that is done: what runs is not restarted by it.
    if (declaration.blocked)
      facts.named.insert(key);
    else
      facts.wanted.emplace(key, sync::restart_hashes(declaration));
  }
  for (const auto& [key, diagnostic] : commit.invalid) facts.named.insert(key);
  return facts;
}

// What we applied and may still be there, and what this commit declares: saved before it is
// applied.
std::vector<ObjectKey> companions_of(const LoadedCommit& commit, const AgentState& state,
                                     const Cache& cache, const Writes& writes) {
  std::set<ObjectKey> keys;
  for (const ObjectKey& key : state.companions) {
    const ResourceKey target = sync::companion_resource(key);
    const bool open = writes.is_under_way(target) || writes.is_unknown(target);
    // What cannot be seen may be there; where we do not look any more, we may look again some day.
    const bool is_seen = cache.reaches(target) && cache.is_complete(target.type);
    if (open || !is_seen || cache.find(target) != nullptr) keys.insert(key);
  }
  for (const auto& [key, declaration] : commit.declarations)
    if (is_companion(key.kind)) keys.insert(key);
  return {keys.begin(), keys.end()};
}

// Not when the configuration allows more kinds than when the commit was accepted.
bool has_all_companions(const AgentState& state, const LoadedCommit& commit) {
  const std::set<ObjectKey> known(state.companions.begin(), state.companions.end());
  return std::ranges::all_of(commit.declarations, [&](const auto& entry) {
    return !is_companion(entry.first.kind) || known.contains(entry.first);
  });
}

}  // namespace

Acceptance::Acceptance(const EngineOptions& options, const Cache& cache, Writes& writes,
                       Source& source, Objects& objects)
    : options_(options),
      cache_(cache),
      writes_(writes),
      source_(source),
      objects_(objects),
      key_(agent_anchor_key(options.agent_ns, options.agent_id)) {}

std::optional<AgentState> Acceptance::state() const {
  if (!cache_.is_complete(ResourceType::ConfigMap)) return std::nullopt;
  if (writes_.is_under_way(key_) || writes_.is_unknown(key_)) return std::nullopt;
  const ResourceView* view = cache_.find(key_);
  // Deleted by hand: what this process knows of the inventory is not in any other place.
  if (view == nullptr) {
    AgentState nothing;
    nothing.companions = inventory_;
    return nothing;
  }
  const auto* map = std::get_if<ConfigMapView>(view);
  if (map == nullptr) return std::nullopt;
  Result<AgentState> state = agent_state(*map);
  return state ? std::optional(std::move(*state)) : std::nullopt;
}

std::optional<std::string> Acceptance::accepted_commit() const {
  const std::optional<AgentState> known = state();
  return known ? std::optional(known->accepted_commit) : std::nullopt;
}

void Acceptance::note_unreadable(Effects& effects) {
  const ResourceView* view = cache_.find(key_);
  const auto* map = view == nullptr ? nullptr : std::get_if<ConfigMapView>(view);
  const std::string version = map == nullptr ? "" : map->meta.resource_version;
  if (version == std::exchange(looked_at_, version)) return;
  const bool unreadable = map != nullptr && !agent_state(*map).has_value();
  if (unreadable) {
    problem_ = to_string(key_) +
               " cannot be understood, so what was acted on is not known; delete "
               "it, and the next commit is judged against what runs";
    log(effects, LogLevel::Warning, "no commit can be acted on", {{"why", problem_}});
  } else if (unreadable_) {
    problem_.clear();
  }
  unreadable_ = unreadable;
}

void Acceptance::remember_inventory() {
  std::optional<AgentState> known = state();
  if (known) inventory_ = std::move(known->companions);
}

void Acceptance::foresee() {
  if (foreseen_) return;
  const std::optional<AgentState> known = state();
  if (!known) return;
  foreseen_ = true;
  if (known->repository == options_.repository) objects_.foresee(*known);
}

void Acceptance::pump(Now now, bool may_write, Effects& effects) {
  note_unreadable(effects);
  remember_inventory();
  const LoadedCommit* commit = source_.loaded();
  if (commit == nullptr) return foresee();
  if (!cache_.all_complete()) return;
  const bool stands = in_force_ == commit->commit && judged_.empty();
  const bool is_lost = cache_.find(key_) == nullptr;
  if (stands && !is_lost && !judged_again_ && !objects_.has_unjudged()) return;
  const std::optional<AgentState> known = state();
  if (!known) return;
  const bool saved = known->accepted_commit == commit->commit &&
                     known->repository == options_.repository &&
                     has_all_companions(*known, *commit);
  if (saved && (!stands || judged_again_)) return put_in_force(*commit, *known, effects);
  if (!may_write) return;
  if (!saved && commit->accepted != known->accepted_commit) return source_.reload();
  judged_again_ = saved;
  judge(*commit, *known, now, effects);
}

void Acceptance::put_in_force(const LoadedCommit& commit, const AgentState& state,
                              Effects& effects) {
  in_force_ = commit.commit;
  judged_.clear();
  judged_again_ = false;
  problem_.clear();
  if (state.hold_id.empty()) {
    note_hold({}, {}, effects);
  } else if (state.hold_id != hold_id_) {
    // Saved by an earlier run of the agent: the sentence is made again.
    const sync::Verdict verdict = sync::judge(facts_of(commit, state.accepted_commit),
                                              objects_.live_facts(state, commit), options_.guards);
    note_hold(state.hold_id, verdict.message, effects);
  }
  log(effects, LogLevel::Info, "commit in force", {{"commit", commit.commit}});
  objects_.accept(commit, state, hold_message_);
}

void Acceptance::judge(const LoadedCommit& commit, const AgentState& state, Now now,
                       Effects& effects) {
  const std::string question = commit.commit + " " + state.accepted_commit;
  if (judged_ == question) return;
  sync::CommitFacts facts = facts_of(commit, state.accepted_commit);
  // The commit in force descends from itself, whatever it was compared with before it was accepted.
  if (judged_again_) facts.descends_from_accepted = true;
  // Another repository or branch: what was accepted there says nothing here.
  if (!state.repository.empty() && state.repository != options_.repository)
    facts.descends_from_accepted = false;
  const sync::Verdict verdict =
      sync::judge(facts, objects_.live_facts(state, commit), options_.guards);
  note_hold(verdict.hold_id, verdict.message, effects);
  if (!verdict.acted_on) {
    judged_ = question;
    return;
  }
  save({.repository = options_.repository,
        .accepted_commit = commit.commit,
        .hold_id = verdict.hold_id,
        .held = verdict.held,
        .removals = verdict.removals,
        .companions = companions_of(commit, state, cache_, writes_)},
       "commit " + commit.commit.substr(0, 7) + " is accepted", now, effects);
}

void Acceptance::note_hold(const std::string& id, const std::string& message, Effects& effects) {
  if (!id.empty() && id != hold_id_)
    log(effects, LogLevel::Warning, "held", {{"hold", id}, {"message", message}});
  hold_id_ = id;
  hold_message_ = message;
}

void Acceptance::save(const AgentState& state, const std::string& reason, Now now,
                      Effects& effects) {
  const ResourceView* live = cache_.find(key_);
  Action action{.verb = live == nullptr ? Verb::Create : Verb::Replace,
                .target = key_,
                .body = agent_anchor_body(key_, state, options_.agent_id),
                .preconditions = {},
                .wave = 0,
                .reason = reason};
  if (live != nullptr) {
    const ObjectMeta& meta = meta_of(*live);
    action.preconditions = {meta.uid, meta.resource_version};
  }
  writes_.send(action, now, effects);
  const auto refusal = writes_.refusals().find(key_);
  problem_ = refusal == writes_.refusals().end()
                 ? std::string{}
                 : to_string(key_) + " cannot be written: " + describe(refusal->second.error);
}

}  // namespace ray_gitops::engine
