// Objects: jobs.
#include <utility>

#include "agent/engine/objects.h"
#include "reconcilers/rayjob/reconcile.h"

namespace ray_gitops::engine {
namespace {

std::string selected_by(const Declaration& job) {
  const auto* spec = std::get_if<RayJobSpec>(&job.spec);
  return spec == nullptr ? std::string{} : spec->cluster_selector;
}

}  // namespace

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
Fact<std::map<std::string, ClusterFacts>> Objects::observe_clusters(
    const ObjectKey& job, const Record& record, const std::vector<ConfigMapView>& children) {
  std::set<std::string> names;
  for (const ConfigMapView& child : children) names.insert(child.anchor_name);
  if (record.wish.declared) names.insert(selected_by(*record.wish.declared));
  if (record.last_good) names.insert(selected_by(*record.last_good));
  names.erase("");
  if (!cache_.is_complete(ResourceType::Pod)) return incomplete(ResourceType::Pod);
  std::map<std::string, ClusterFacts> clusters;
  for (const std::string& name : names) {
    const ObjectKey cluster{Kind::RayCluster, job.ns, name};
    watchers_of_[cluster].insert(job);
    if (const auto found = observe_facts(cluster)) clusters[name] = *found;
  }
  return Known<std::map<std::string, ClusterFacts>>{std::move(clusters)};
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

}  // namespace ray_gitops::engine
