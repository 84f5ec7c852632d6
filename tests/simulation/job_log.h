#pragma once
// What has become of jobs so far, for checkers: which runs there are, which clusters were made for
// them, what was remembered and published of them, and what disturbed them.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "reconcilers/model/job_run.h"
#include "tests/simulation/git.h"
#include "tests/simulation/ray_head.h"
#include "tests/simulation/truth.h"

namespace ray_gitops::simulation {

// One run of a job.
struct RunId {
  ObjectKey job;
  std::string run_hash;
  auto operator<=>(const RunId&) const = default;
};

// What a cluster was made for.
struct ChildRun {
  RunId run;
  int attempt = 1;
};

class JobLog {
 public:
  JobLog(const Core& core, Truth& truth) : core_(core), truth_(truth) {}

  void on_change(const local_cluster::Change& change);
  void on_status(const StatusCommit& commit);
  void disturb(const RunKey& run);

  // Of the digits that submissions carry; nullopt: no anchor ever spoke of such a run.
  std::optional<RunId> run_of(const std::string& digits) const;
  // nullptr: it was not made for a job.
  const ChildRun* child(const ObjectKey& cluster) const;
  // Was it ever in an anchor that this id may be sent to this head?
  bool was_saved(const std::string& submission_id, const std::string& head_uid) const {
    return saved_.contains({submission_id, head_uid});
  }
  // Did anything hit it that may have changed how it ended?
  bool is_disturbed(const RunId& run) const { return disturbed_.contains(run); }
  // Since when a live anchor of the job has its outcome; nullopt: none has.
  std::optional<Instant> remembered_at(const RunId& run) const { return found(remembered_, run); }
  // Since when the status branch has its outcome.
  std::optional<Instant> published_at(const RunId& run) const { return found(published_, run); }
  // Before this the job's executions count no more: its memory was destroyed by a person, or it
  // was suspended.
  std::optional<Instant> forgiven_at(const ObjectKey& job) const { return found(forgiven_, job); }
  // The highest backoffLimit that the job's anchors have had.
  int backoff_limit(const ObjectKey& job) const;
  // Is a cluster that was made for a job wanted no more, or was it so a short while ago?
  bool may_leave(const ObjectKey& cluster);
  // Is it so now?
  bool is_surplus(const ObjectKey& cluster);

 private:
  template <class Key>
  static std::optional<Instant> found(const std::map<Key, Instant>& times, const Key& key) {
    const auto entry = times.find(key);
    return entry == times.end() ? std::nullopt : std::optional(entry->second);
  }
  void on_anchor(const ConfigMapView& anchor, bool deleted);
  void on_job(const ObjectKey& job, const ConfigMapView& anchor, bool deleted);
  void on_child(const ObjectKey& cluster, const ObjectKey& job, const std::string& job_uid);
  void on_head(const ObjectKey& cluster);
  void on_removals();
  void disturb_unfinished(const RunId& run);

  const Core& core_;
  Truth& truth_;
  std::map<std::string, RunId> runs_;  // by digits
  std::map<ObjectKey, ChildRun> children_;
  std::set<std::pair<std::string, std::string>> saved_;
  std::set<RunId> disturbed_;
  std::map<RunId, Instant> remembered_;
  std::map<RunId, Instant> published_;
  std::map<ObjectKey, Instant> forgiven_;
  std::map<ObjectKey, int> backoff_limits_;
  std::map<ObjectKey, Instant> surplus_;          // clusters, when they were last so
  std::map<std::string, std::int64_t> restarts_;  // of heads, by uid
};

// The runs of a job that a status commit has on record.
FinishedRuns runs_on_record(const StatusCommit& commit, const ObjectKey& job);
// All of them, by the job that they are of.
std::map<ObjectKey, FinishedRuns> ledger_of(const StatusCommit& commit);

}  // namespace ray_gitops::simulation
