// Objects: clusters that are made for jobs and services, and what those see of clusters.
#include <algorithm>
#include <utility>

#include "agent/engine/objects.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/ray_start.h"

namespace ray_gitops::engine {

bool Objects::is_parent(Kind kind) { return kind == Kind::RayJob || kind == Kind::RayService; }

bool Objects::is_child(const ConfigMapView* anchor) {
  return anchor != nullptr && !anchor->meta.owner_uid.empty();
}

std::optional<ClusterFacts> Objects::observe_facts(const ObjectKey& key) {
  const ConfigMapView* anchor = anchor_of(key);
  const auto record = records_.find(key);
  if (anchor == nullptr || record == records_.end()) return std::nullopt;
  ClusterFacts facts;
  facts.ready = record->second.status.phase == Phase::Ready;
  facts.message = record->second.status.message;
  facts.scaling = autoscaling_.summary_of(key);
  const std::optional<ObjectKey> parent = anchored_parent(*anchor);
  const bool serves = parent && parent->kind == Kind::RayService;
  const std::vector<PodView> pods = cache_.pods_of(key.ns, key.name);
  const PodView* head = nullptr;
  for (const PodView& pod : pods) {
    if (pod.meta.owner_uid != anchor->meta.uid) continue;
    const bool is_head = pod.group == k_head_group_name;
    if (is_head && (head == nullptr || head->meta.terminating)) head = &pod;
    if (serves && !pod.meta.terminating)
      facts.pods.push_back(
          {pod.meta.key.name, pod.meta.uid, pod.ip, is_head, pod.ready, pod.serves});
  }
  if (head == nullptr) return facts;
  facts.head_uid = head->meta.uid;
  facts.head_pod = head->meta.key;
  facts.head_ready = head->ready && !head->meta.terminating;
  const Declaration* declaration = last_good(key, record->second);
  if (head->ip.empty() || declaration == nullptr) return facts;
  const auto& spec = std::get<RayClusterSpec>(declaration->spec);
  facts.head_address = head->ip + ":" + dashboard_port(spec);
  if (spec.token_auth) facts.token_secret = token_secret_name(key.name, spec);
  return facts;
}

// They look again when what they see of the cluster is not what it was.
void Objects::tell_watchers_of(const ObjectKey& cluster) {
  const auto watching = watchers_of_.find(cluster);
  const auto record = records_.find(cluster);
  if (watching == watchers_of_.end()) {
    // Whoever watches it next has been shown nothing.
    if (record != records_.end()) record->second.shown_to_watchers.reset();
    return;
  }
  ClusterFacts seen = observe_facts(cluster).value_or(ClusterFacts{});
  if (record != records_.end()) {
    if (record->second.shown_to_watchers == seen) return;
    record->second.shown_to_watchers = std::move(seen);
  }
  for (const ObjectKey& watcher : watching->second)
    if (records_.contains(watcher)) dirty_.insert(watcher);
  // They say so again when they still care.
  if (record == records_.end()) watchers_of_.erase(watching);
}

// What its plan says of its clusters holds until the next one that can tell.
void Objects::retire(const ObjectKey& parent, const Plan& plan) {
  const ConfigMapView* anchor = anchor_of(parent);
  if (anchor == nullptr || plan.clusters_undecided) return;
  for (const ConfigMapView& child : cache_.owned_by(anchor->meta.uid)) {
    const ObjectKey key{Kind::RayCluster, parent.ns, child.anchor_name};
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

// Clusters may outlive any number of those that looked at them.
void Objects::forget(const ObjectKey& key) {
  heads_.forget(key);
  autoscaling_.forget(key);
  autoscaling_.fleet().forget(key);
  if (autoscaling_.fleet().forget_policy(key)) look_at_clusters();
  unjudged_.erase(key);
  tell_watchers_of(key);
  if (!is_parent(key.kind)) return;
  for (auto& [cluster, watchers] : watchers_of_) watchers.erase(key);
  std::erase_if(watchers_of_, [](const auto& entry) { return entry.second.empty(); });
}

void Objects::on_gcs_answer(const ObjectKey& cluster) {
  if (records_.contains(cluster)) dirty_.insert(cluster);
}

// About a job, or about Serve on the cluster of a service.
void Objects::on_ray_answer(const ObjectKey& topic) {
  const ConfigMapView* anchor = anchor_of(topic);
  const std::optional<ObjectKey> parent =
      is_child(anchor) ? anchored_parent(*anchor) : std::optional<ObjectKey>();
  const ObjectKey& key = parent ? *parent : topic;
  if (records_.contains(key)) dirty_.insert(key);
}

}  // namespace ray_gitops::engine
