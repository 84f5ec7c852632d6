#include "agent/engine/publisher.h"

#include <utility>

#include "reconcilers/model/digest.h"
#include "reconcilers/status/ledger.h"
#include "reconcilers/status/message.h"

namespace ray_gitops::engine {
namespace {

constexpr Duration k_first_retry = std::chrono::milliseconds(500);
constexpr Duration k_longest_retry = std::chrono::seconds(30);
constexpr Duration k_refused_retry = std::chrono::minutes(5);

std::string intent_of(const std::string& agent, std::int64_t epoch, const status::Tree& tree,
                      const std::optional<std::string>& parent) {
  std::string text = agent + "\n" + std::to_string(epoch) + "\n" + parent.value_or("") + "\n";
  for (const auto& [path, content] : tree)
    text.append(path).append("\n").append(content).append("\n");
  return short_hash(text, 32);
}

}  // namespace

void Publisher::changed(Now now, bool urgent) {
  if (!first_change_) first_change_ = now.monotonic;
  last_change_ = now.monotonic;
  urgent_ = urgent_ || urgent;
}

Deadline Publisher::deadline() const {
  if (!options_.status.enabled || publishing_ || loading_ || awaiting_list_) return std::nullopt;
  if (!known_) return retry_at_;
  Deadline next = recheck_;
  if (first_change_) {
    const Instant quiet = last_change_ + options_.status.debounce;
    const Instant longest = *first_change_ + options_.status.longest_wait;
    Instant due = std::min(quiet, longest);
    if (urgent_) due = std::min(due, *first_change_ + k_urgent_wait);
    next = earlier(next, std::max(due, retry_at_));
  }
  return next;
}

void Publisher::listed(const RemoteTips& tips) {
  awaiting_list_ = false;
  if (known_ && !publishing_ && tips.status != tip_) known_ = false;
}

bool Publisher::wants_tree(Now now, const std::optional<RemoteTips>& remote, Effects& effects) {
  if (!options_.status.enabled || publishing_ || loading_ || awaiting_list_ || !remote)
    return false;
  if (!known_) {
    if (retry_at_ > now.monotonic) return false;
    loading_ = true;
    effects.push_back(LoadStatus{remote->status});
    return false;
  }
  if (is_due(recheck_, now.monotonic)) {
    recheck_.reset();
    changed(now, true);
  }
  return is_due(deadline(), now.monotonic);
}

// A token bucket; an attempt to push takes one, a tree that is published already takes none.
bool Publisher::take_token(Now now) {
  const double burst = options_.status.burst;
  const double per_millisecond = options_.status.commits_per_hour / 3'600'000.0;
  if (tokens_ < 0) tokens_ = burst;
  tokens_ += static_cast<double>((now.monotonic - tokens_at_).count()) * per_millisecond;
  tokens_ = std::min(tokens_, burst);
  tokens_at_ = now.monotonic;
  if (tokens_ >= 1) {
    tokens_ -= 1;
    return true;
  }
  retry_at_ = now.monotonic + Duration{static_cast<std::int64_t>((1 - tokens_) / per_millisecond)};
  return false;
}

void Publisher::publish(Now now, const status::StatusFacts& facts, const HoldLease& lease,
                        Effects& effects) {
  status::Tree tree = status::render_tree(facts);
  if (tree == tree_) {
    first_change_.reset();
    urgent_ = false;
    return;
  }
  if (!take_token(now)) return;
  first_change_.reset();
  urgent_ = false;
  const std::int64_t fenced = std::max(lease.epoch, tip_epoch_);
  const std::string message =
      status::render_message({.facts = &facts,
                              .before = &tree_,
                              .intent_id = intent_of(facts.agent_id, fenced, tree, tip_),
                              .lease_epoch = fenced,
                              .instance = options_.instance});
  candidate_ = tree;
  publishing_ = true;
  effects.push_back(PublishStatus{tip_, std::move(tree), message, lease.until});
}

void Publisher::learn(status::Tree files) {
  tree_ = std::move(files);
  phases_ = status::read_published(tree_);
  ledger_.clear();
  for (const auto& [path, content] : tree_)
    if (status::is_ledger_path(path)) ledger_.emplace(path, status::read_ledger(content));
}

Fact<FinishedRuns> Publisher::ledger_of(const ObjectKey& job) const {
  if (!options_.status.enabled) return Known<FinishedRuns>{{}};
  if (!known_) return Unknown{"the status branch has not been read yet"};
  const std::string path = status::ledger_path(job);
  const auto found = ledger_.find(path);
  if (found == ledger_.end()) return Known<FinishedRuns>{{}};
  if (!found->second)
    return Unknown{
        path + " of the status branch cannot be understood: " + describe(found->second.error())};
  return Known<FinishedRuns>{*found->second};
}

status::Tree Publisher::ledger(const std::map<ObjectKey, FinishedRuns>& live) const {
  status::Tree files;
  for (const auto& [path, content] : tree_)
    if (status::is_ledger_path(path)) files[path] = content;
  for (const auto& [job, runs] : live) {
    const Fact<FinishedRuns> known = ledger_of(job);
    if (!known.is_known()) continue;
    files[status::ledger_path(job)] = status::render_ledger(job, merge_runs(runs, known.value()));
  }
  return files;
}

void Publisher::retry_later(Now now) {
  retry_at_ = now.monotonic + backoff(k_first_retry, k_longest_retry, ++failures_);
}

void Publisher::on(const StatusLoaded& event, Now now, Effects& effects) {
  loading_ = false;
  if (!event.tree) {
    retry_later(now);
    log(effects, LogLevel::Warning, "status branch cannot be read",
        {{"error", describe(event.tree.error())}});
    return;
  }
  known_ = true;
  failures_ = 0;
  tip_ = event.tree->tip;
  tip_epoch_ = event.tree->lease_epoch;
  learn(event.tree->files);
  changed(now, false);
}

void Publisher::on(const StatusPublished& event, Now now, Effects& effects) {
  publishing_ = false;
  if (event.tip) {
    tip_ = *event.tip;
    failures_ = 0;
    refused_ = false;
    problem_.clear();
    learn(std::exchange(candidate_, {}));
    log(effects, LogLevel::Info, "status published", {{"commit", *tip_}});
    return;
  }
  const Error& error = event.tip.error();
  changed(now, false);
  if (error.code == ErrorCode::Conflict) {
    // The branch is not where we thought: read it again.
    known_ = false;
    awaiting_list_ = true;
    wants_poll_ = true;
    retry_later(now);
    return;
  }
  refused_ = error.code == ErrorCode::Rejected || error.code == ErrorCode::Forbidden;
  if (refused_)
    retry_at_ = now.monotonic + k_refused_retry;
  else
    retry_later(now);
  const std::string problem = describe(error);
  if (problem != problem_)
    log(effects, LogLevel::Warning, "status cannot be published; the agent goes on working",
        {{"error", problem}});
  problem_ = problem;
}

void Publisher::stamp(status::ObjectStatus& status, Now now) {
  auto [found, first] = shown_.try_emplace(status.key);
  Held& held = found->second;
  if (first) {
    const auto before = phases_.find(status::object_path(status.key));
    if (before != phases_.end())
      held = {before->second.phase, before->second.reason, before->second.since, {}, {}};
  }
  const std::string ready = name_of(Phase::Ready);
  if (status.phase == Phase::Ready) {
    if (!held.ready_since) held.ready_since = now.monotonic;
    const bool left_lately =
        held.left_ready_at && now.monotonic - *held.left_ready_at < k_flap_memory;
    const Instant shown_from = *held.ready_since + k_ready_hold;
    if (left_lately && held.phase != ready && shown_from > now.monotonic) {
      recheck_ = earlier(recheck_, shown_from);
      status.phase = Phase::Progressing;
      status.reason = "Settling";
      status.message = "ready again; shown as Ready once it has stayed so for 10 seconds";
      for (Condition& condition : status.conditions)
        if (condition.type == "Ready") condition = {"Ready", false, status.reason, status.message};
    }
  } else {
    if (held.ready_since) held.left_ready_at = now.monotonic;
    held.ready_since.reset();
  }
  const std::string phase = name_of(status.phase);
  if (held.phase != phase || held.reason != status.reason) {
    held.phase = phase;
    held.reason = status.reason;
    held.since = status.since;
  }
  status.since = held.since;
}

}  // namespace ray_gitops::engine
