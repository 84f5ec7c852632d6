#pragma once
// When the status tree is published. What it says is reconcilers/status.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "agent/engine/event.h"
#include "agent/engine/options.h"
#include "agent/engine/parts.h"
#include "reconcilers/model/fact.h"
#include "reconcilers/model/job_run.h"
#include "reconcilers/status/tree.h"

namespace ray_gitops::engine {

class Publisher {
 public:
  static constexpr Duration k_urgent_wait = std::chrono::seconds(1);
  // An object that left Ready lately is shown Ready again only after staying so for this long.
  static constexpr Duration k_ready_hold = std::chrono::seconds(10);
  static constexpr Duration k_flap_memory = std::chrono::minutes(10);

  explicit Publisher(const EngineOptions& options) : options_(options) {}

  void on(const StatusLoaded& event, Now now, Effects& effects);
  void on(const StatusPublished& event, Now now, Effects& effects);

  // Something that the tree shows may have changed; urgent: a first failure.
  void changed(Now now, bool urgent);
  // A poll answered: a branch that is not where we left it is read again.
  void listed(const RemoteTips& tips);
  // It is time to publish: the caller then makes the facts and calls publish.
  bool wants_tree(Now now, const std::optional<RemoteTips>& remote, Effects& effects);
  void publish(Now now, const status::StatusFacts& facts, const HoldLease& lease, Effects& effects);
  // The branch has moved under us: a poll must say where it is. True once for each time.
  bool wants_poll() { return std::exchange(wants_poll_, false); }
  Deadline deadline() const;

  // Runs of a job that the branch has on record. Unknown while the branch has not been read, or
  // when it holds a record of the job that cannot be understood.
  Fact<FinishedRuns> ledger_of(const ObjectKey& job) const;
  // Nothing is published: status commits are switched off, or the last one was refused for good.
  bool is_closed() const { return !options_.status.enabled || refused_; }
  // The ledger's files: what the branch has, and with it what the live anchors say has ended. A
  // file that cannot be understood stays as it is, for a person to mend.
  status::Tree ledger(const std::map<ObjectKey, FinishedRuns>& live) const;

  // Holds back an early Ready. `status.since` is when this process saw the phase and reason begin;
  // it becomes what the branch says already when they are the same.
  void stamp(status::ObjectStatus& status, Now now);

 private:
  bool take_token(Now now);
  void retry_later(Now now);
  void learn(status::Tree files);

  struct Held {
    std::string phase;  // as shown
    std::string reason;
    WallTime since;
    std::optional<Instant> left_ready_at;
    std::optional<Instant> ready_since;
  };

  const EngineOptions& options_;
  bool known_ = false;
  bool loading_ = false;
  bool publishing_ = false;
  bool awaiting_list_ = false;
  bool wants_poll_ = false;
  bool refused_ = false;
  std::string problem_;  // the last one, said once
  std::optional<std::string> tip_;
  std::int64_t tip_epoch_ = 0;
  status::Tree tree_;                                     // of the tip
  status::Tree candidate_;                                // under way
  std::map<std::string, status::PublishedPhase> phases_;  // of tree_
  std::map<std::string, Result<FinishedRuns>> ledger_;    // by path, of tree_
  std::map<ObjectKey, Held> shown_;
  std::optional<Instant> first_change_;
  Instant last_change_;
  bool urgent_ = false;
  Deadline recheck_;  // when a held-back Ready may be shown
  int failures_ = 0;
  Instant retry_at_;
  double tokens_ = -1;  // of the rate limit; negative until the first use
  Instant tokens_at_;
};

}  // namespace ray_gitops::engine
