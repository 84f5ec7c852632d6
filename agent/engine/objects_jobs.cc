// Objects: jobs, and the clusters that are made for them.
#include <algorithm>
#include <utility>

#include "agent/engine/objects.h"
#include "reconcilers/manifest/ray_start.h"
#include "reconcilers/rayjob/reconcile.h"

namespace ray_gitops::engine {
namespace {

bool is_same_cluster(const JobCluster& left, const JobCluster& right) {
  return left.ready == right.ready && left.message == right.message &&
         left.head_uid == right.head_uid && left.head_address == right.head_address;
}

std::string selected_by(const Declaration& job) {
  const auto* spec = std::get_if<RayJobSpec>(&job.spec);
  return spec == nullptr ? std::string{} : spec->cluster_selector;
}

}  // namespace

bool Objects::is_child(const ConfigMapView* anchor) {
  return anchor != nullptr && !anchor->meta.owner_uid.empty();
}

Plan Objects::plan_job(const ObjectKey& key, Record& record, const Choice& choice, Now now) {
  const JobObserved observed = observe_job(key, record);
  tell_ledger(record, observed, now);
  switch (choice.basis) {
    case Basis::Removal:
      return rayjob::plan_removal(key, observed, options_.agent_id, now);
    case Basis::Declared:
      if (anchor_of(key) == nullptr && waits_for_companions(key)) return waiting_for_companions();
      return rayjob::reconcile(*record.wish.declared, observed, options_.agent_id, now);
    case Basis::LastGood:
      if (observed.anchored)
        return rayjob::reconcile(*observed.anchored, observed, options_.agent_id, now);
      break;
    case Basis::Nothing:
      break;
  }
  return not_yet_known();
}

JobObserved Objects::observe_job(const ObjectKey& key, Record& record) {
  JobObserved observed;
  observed.anchor = observe_anchor(key);
  if (const Declaration* anchored = last_good(key, record)) observed.anchored = *anchored;
  observed.head = heads_.answers_of(key);
  observed.ledger = publisher_.ledger_of(key);
  observed.ledger_closed = publisher_.is_closed();
  observed.refusals = refusals_of(key);
  if (!cache_.is_complete(ResourceType::ConfigMap)) {
    observed.children = incomplete(ResourceType::ConfigMap);
    observed.clusters = incomplete(ResourceType::ConfigMap);
    return observed;
  }
  std::vector<ConfigMapView> children;
  if (const ConfigMapView* anchor = anchor_of(key)) children = cache_.owned_by(anchor->meta.uid);
  observed.clusters = observe_clusters(key, record, children);
  observed.children = Known<std::vector<ConfigMapView>>{std::move(children)};
  return observed;
}

// Its own clusters, and the ones that the file or the anchor selects. From now on it is told of
// what happens to them.
Fact<std::map<std::string, JobCluster>> Objects::observe_clusters(
    const ObjectKey& job, const Record& record, const std::vector<ConfigMapView>& children) {
  std::set<std::string> names;
  for (const ConfigMapView& child : children) names.insert(child.anchor_name);
  if (record.wish.declared) names.insert(selected_by(*record.wish.declared));
  if (record.last_good) names.insert(selected_by(*record.last_good));
  names.erase("");
  if (!cache_.is_complete(ResourceType::Pod)) return incomplete(ResourceType::Pod);
  std::map<std::string, JobCluster> clusters;
  for (const std::string& name : names) {
    const ObjectKey cluster{Kind::RayCluster, job.ns, name};
    jobs_of_[cluster].insert(job);
    if (const auto found = observe_job_cluster(cluster)) clusters[name] = *found;
  }
  return Known<std::map<std::string, JobCluster>>{std::move(clusters)};
}

std::optional<JobCluster> Objects::observe_job_cluster(const ObjectKey& key) {
  const ConfigMapView* anchor = anchor_of(key);
  const auto record = records_.find(key);
  if (anchor == nullptr || record == records_.end()) return std::nullopt;
  JobCluster cluster;
  cluster.ready = record->second.status.phase == Phase::Ready;
  cluster.message = record->second.status.message;
  const PodView* head = nullptr;
  const std::vector<PodView> pods = cache_.pods_of(key.ns, key.name);
  for (const PodView& pod : pods) {
    if (pod.group != k_head_group_name || pod.meta.owner_uid != anchor->meta.uid) continue;
    if (head == nullptr || head->meta.terminating) head = &pod;
  }
  if (head == nullptr) return cluster;
  cluster.head_uid = head->meta.uid;
  const Declaration* declaration = last_good(key, record->second);
  if (!head->ip.empty() && declaration != nullptr)
    cluster.head_address =
        head->ip + ":" + dashboard_port(std::get<RayClusterSpec>(declaration->spec));
  return cluster;
}

// Jobs look again when what they see of the cluster is not what it was.
void Objects::tell_jobs_of(const ObjectKey& cluster) {
  const auto watching = jobs_of_.find(cluster);
  if (watching == jobs_of_.end()) return;
  const JobCluster seen = observe_job_cluster(cluster).value_or(JobCluster{});
  const auto record = records_.find(cluster);
  if (record != records_.end()) {
    if (record->second.shown_to_jobs && is_same_cluster(*record->second.shown_to_jobs, seen))
      return;
    record->second.shown_to_jobs = seen;
  }
  for (const ObjectKey& job : watching->second)
    if (records_.contains(job)) dirty_.insert(job);
  // They say so again when they still care.
  if (record == records_.end()) jobs_of_.erase(watching);
}

// What its plan says of its clusters holds until the next one that can tell.
void Objects::retire(const ObjectKey& job, const Plan& plan) {
  const ConfigMapView* anchor = anchor_of(job);
  if (anchor == nullptr || plan.clusters_undecided) return;
  for (const ConfigMapView& child : cache_.owned_by(anchor->meta.uid)) {
    const ObjectKey key{Kind::RayCluster, job.ns, child.anchor_name};
    const auto found =
        std::find_if(plan.retirements.begin(), plan.retirements.end(),
                     [&](const Retirement& retirement) { return retirement.cluster == key; });
    set_retired(key, found == plan.retirements.end() ? std::string{} : found->reason);
  }
}

void Objects::set_retired(const ObjectKey& child, const std::string& why) {
  Record& record = records_[child];
  if (record.retired == why) return;
  record.retired = why;
  dirty_.insert(child);
}

// Clusters may outlive any number of jobs that looked at them.
void Objects::forget_job(const ObjectKey& job) {
  heads_.forget(job);
  for (auto& [cluster, jobs] : jobs_of_) jobs.erase(job);
  std::erase_if(jobs_of_, [](const auto& entry) { return entry.second.empty(); });
}

// An outcome that is not on record yet is news for the status branch.
void Objects::tell_ledger(Record& record, const JobObserved& observed, Now now) {
  if (!observed.anchor.is_known() || !observed.anchor.value()) return;
  const Result<JobState> state = anchored_job_state(*observed.anchor.value());
  if (!state || state->finished == record.told_ledger) return;
  record.told_ledger = state->finished;
  const bool failed = state->stage == JobStage::Failed || state->stage == JobStage::Stopped;
  publisher_.changed(now, failed);
}

std::map<ObjectKey, FinishedRuns> Objects::finished_runs() const {
  std::map<ObjectKey, FinishedRuns> finished;
  for (const auto& [key, record] : records_) {
    const ConfigMapView* anchor = key.kind == Kind::RayJob ? anchor_of(key) : nullptr;
    if (anchor == nullptr) continue;
    Result<JobState> state = anchored_job_state(*anchor);
    if (state && !state->finished.empty()) finished[key] = std::move(state->finished);
  }
  return finished;
}

void Objects::look_at_jobs() {
  for (const auto& [key, record] : records_)
    if (key.kind == Kind::RayJob) dirty_.insert(key);
}

void Objects::on_ray_answer(const ObjectKey& job) {
  if (records_.contains(job)) dirty_.insert(job);
}

}  // namespace ray_gitops::engine
