#include "tests/simulation/job_log.h"

#include <algorithm>
#include <variant>

#include "reconcilers/manifest/names.h"
#include "reconcilers/raycluster/census.h"
#include "reconcilers/rayjob/names.h"
#include "reconcilers/status/ledger.h"

namespace ray_gitops::simulation {
namespace {

using local_cluster::Change;
using local_cluster::ChangeType;

// How long what the agent knows may lag behind what is so.
constexpr Duration k_lag = std::chrono::minutes(2);

// More than any simulated job has.
constexpr int k_attempts_max = 12;

std::string digits_of(const RunId& run) {
  return parse_run_key(rayjob::run_tag({run.job, run.run_hash, 1})).digits;
}

}  // namespace

std::map<ObjectKey, FinishedRuns> ledger_of(const StatusCommit& commit) {
  static const std::string k_folder = "ledger/";
  static const std::string k_ending = ".json";
  std::map<ObjectKey, FinishedRuns> ledger;
  for (const auto& [path, content] : commit.files) {
    if (!status::is_ledger_path(path)) continue;
    const std::size_t slash = path.find('/', k_folder.size());
    const std::string ns = path.substr(k_folder.size(), slash - k_folder.size());
    const std::string name = path.substr(slash + 1, path.size() - slash - 1 - k_ending.size());
    const auto runs = status::read_ledger(content);
    if (runs) ledger[{Kind::RayJob, ns, name}] = *runs;
  }
  return ledger;
}

FinishedRuns runs_on_record(const StatusCommit& commit, const ObjectKey& job) {
  return ledger_of(commit)[job];
}

void JobLog::on_change(const Change& change) {
  if (change.key == store_key(agent_anchor_key(k_agent_ns, k_agent_id))) on_removals();
  const auto view = view_of(change.object);
  if (!view) return;
  const bool deleted = change.type == ChangeType::Deleted;
  if (const auto* map = std::get_if<ConfigMapView>(&*view)) on_anchor(*map, deleted);
  const auto* pod = std::get_if<PodView>(&*view);
  if (pod == nullptr || pod->group != k_head_group_name) return;
  std::int64_t& restarts = restarts_[pod->meta.uid];
  const bool restarted = pod->ray_restart_count > restarts;
  restarts = pod->ray_restart_count;
  if (deleted || restarted || pod->meta.terminating || has_failed(*pod))
    on_head({Kind::RayCluster, pod->meta.key.ns, pod->cluster});
}

void JobLog::on_anchor(const ConfigMapView& anchor, bool deleted) {
  const Result<ObjectKey> key = anchored_key(anchor);
  if (!key || anchor.meta.agent != k_agent_id) return;
  if (key->kind == Kind::RayJob) on_job(*key, anchor, deleted);
  const auto job = anchored_parent(anchor);
  if (job && !deleted) on_child(*key, *job, anchor.meta.owner_uid);
  if (key->kind == Kind::RayCluster && (deleted || anchor.meta.terminating)) on_head(*key);
  for (const auto& [cluster, made_for] : children_)
    if (is_surplus(cluster)) surplus_[cluster] = core_.timeline.instant();
}

void JobLog::on_job(const ObjectKey& job, const ConfigMapView& anchor, bool deleted) {
  const Result<JobState> state = anchored_job_state(anchor);
  if (!state) return;
  const Instant now = core_.timeline.instant();
  const RunId run{job, state->run_hash};
  runs_[digits_of(run)] = run;
  if (!state->submission_id.empty()) saved_.emplace(state->submission_id, state->head_uid);
  for (const FinishedRun& finished : state->finished)
    remembered_.try_emplace({job, finished.run_hash}, now);
  const auto declaration = truth_.applied(job);
  const auto* spec = declaration ? std::get_if<RayJobSpec>(&declaration->spec) : nullptr;
  if (spec != nullptr) {
    int& most = backoff_limits_[job];
    most = std::max(most, spec->backoff_limit);
  }
  if (deleted || (spec != nullptr && spec->suspend)) forgiven_[job] = now;
  if (!deleted) return;
  disturb_unfinished(run);
  std::erase_if(remembered_, [&](const auto& entry) { return entry.first.job == job; });
}

// The name of a cluster tells which attempt of which run it is for.
void JobLog::on_child(const ObjectKey& cluster, const ObjectKey& job, const std::string& job_uid) {
  if (children_.contains(cluster)) return;
  for (const auto& [digits, run] : runs_)
    for (int attempt = 1; attempt <= k_attempts_max; ++attempt)
      if (run.job == job && rayjob::child_key({job, run.run_hash, attempt}, job_uid) == cluster)
        children_[cluster] = {run, attempt};
}

// Something has happened to the head of a cluster: to its own job, or to all that select it.
void JobLog::on_head(const ObjectKey& cluster) {
  if (const ChildRun* made_for = child(cluster)) return disturb_unfinished(made_for->run);
  for (const auto& [digits, run] : runs_) {
    const auto declaration = truth_.applied(run.job);
    const auto* spec = declaration ? std::get_if<RayJobSpec>(&declaration->spec) : nullptr;
    const bool selects = spec != nullptr && spec->cluster_selector == cluster.name;
    if (selects && run.job.ns == cluster.ns) disturb_unfinished(run);
  }
}

void JobLog::on_removals() {
  for (const ObjectKey& key : truth_.agent_state().removals)
    for (const auto& [digits, run] : runs_)
      if (run.job == key) disturb_unfinished(run);
}

void JobLog::on_status(const StatusCommit& commit) {
  for (const auto& [job, runs] : ledger_of(commit))
    for (const FinishedRun& run : runs)
      published_.try_emplace({job, run.run_hash}, core_.timeline.instant());
}

void JobLog::disturb(const RunKey& run) {
  if (const auto id = run_of(run.digits)) disturb_unfinished(*id);
}

void JobLog::disturb_unfinished(const RunId& run) {
  if (!remembered_.contains(run) && !published_.contains(run)) disturbed_.insert(run);
}

std::optional<RunId> JobLog::run_of(const std::string& digits) const {
  const auto found = runs_.find(digits);
  return found == runs_.end() ? std::nullopt : std::optional(found->second);
}

const ChildRun* JobLog::child(const ObjectKey& cluster) const {
  const auto found = children_.find(cluster);
  return found == children_.end() ? nullptr : &found->second;
}

int JobLog::backoff_limit(const ObjectKey& job) const {
  const auto found = backoff_limits_.find(job);
  return found == backoff_limits_.end() ? 0 : found->second;
}

bool JobLog::may_leave(const ObjectKey& cluster) {
  // Remembered: the wall clock may go back behind its time while the delete is on its way.
  if (is_surplus(cluster)) surplus_[cluster] = core_.timeline.instant();
  const auto last = found(surplus_, cluster);
  return last && core_.timeline.instant() - *last < k_lag;
}

bool JobLog::is_surplus(const ObjectKey& cluster) {
  const ChildRun* made_for = child(cluster);
  if (made_for == nullptr) return false;
  const ObjectKey& job = made_for->run.job;
  const auto child_anchor = truth_.anchor(cluster);
  const auto anchor = truth_.anchor(job);
  if (!child_anchor || !anchor || anchor->meta.uid != child_anchor->meta.owner_uid) return true;
  const auto removals = truth_.agent_state().removals;
  if (std::find(removals.begin(), removals.end(), job) != removals.end()) return true;
  const auto declaration = truth_.applied(job);
  const Result<JobState> state = anchored_job_state(*anchor);
  if (!declaration || !state) return false;
  const auto& spec = std::get<RayJobSpec>(declaration->spec);
  const bool is_current = state->run_hash == made_for->run.run_hash &&
                          state->attempt == made_for->attempt && spec.cluster_selector.empty();
  if (spec.suspend || !is_current) return true;
  return has_ended(state->stage) && spec.shutdown_after_finish &&
         state->finished_at + spec.ttl_after_finish <= core_.timeline.now().wall;
}

}  // namespace ray_gitops::simulation
