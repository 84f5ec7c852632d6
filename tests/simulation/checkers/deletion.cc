// A pod is deleted only when it failed, is outdated or surplus by the anchor's document (in a
// cluster that scales: when its Ray node was drained), when its replica lost or lacks a host, or
// when its cluster is suspended or its removal approved; a Service when it must be made again;
// a token when the anchor's document asks for none; anything else only when its removal is
// approved. What was made for a job or a service is deleted as if its removal were approved once
// they do not want it any more. A whole-cluster restart has been saved in the anchor before the
// first pod goes.
#include <algorithm>
#include <map>

#include "reconcilers/manifest/names.h"
#include "reconcilers/raycluster/census.h"
#include "reconcilers/raycluster/replicas.h"
#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

// How long what the agent knows may lag behind what is so.
constexpr Duration k_lag = std::chrono::minutes(2);

class Deletion : public Checker {
 public:
  explicit Deletion(const Scene& scene) : Checker(scene, "deletion") {}

  void on_change(const local_cluster::Change& change) override {
    if (change.key == store_key(agent_anchor_key(k_agent_ns, k_agent_id)))
      for (const ObjectKey& key : scene().truth.agent_state().removals) approved_[key] = now();
    if (change.key.plural != "pods") return;
    const auto view = view_of(change.object);
    if (!view) return;
    const PodView& pod = std::get<PodView>(*view);
    seen_[{pod.meta.owner_uid, pod.group}][pod.meta.uid] = now();
    if (has_failed(pod)) failed_[pod.meta.uid] = now();
    const bool is_going = pod.meta.terminating || change.type == local_cluster::ChangeType::Deleted;
    if (has_failed(pod) || is_going) broken_[replica_of(pod)] = now();
  }

  void on_effect(const Agent& agent, const engine::Effect& effect) override {
    const auto* write = std::get_if<engine::SendWrite>(&effect);
    if (write == nullptr || write->action.verb != Verb::Delete) return;
    const ResourceKey& target = write->action.target;
    const auto view = scene().truth.find(target);
    if (!view || meta_of(*view).uid != write->action.preconditions.uid) return;
    std::string why = "its removal was never approved";
    if (const auto* pod = std::get_if<PodView>(&*view))
      why = why_not(*pod);
    else if (is_approved_object(*view))
      return;
    if (!why.empty())
      fail(agent.client() + " deletes " + to_string(target) + " (" + write->action.reason +
           "): " + why);
  }

 private:
  bool is_approved(const ObjectKey& key) const {
    if (scene().jobs.child(key) != nullptr) return scene().jobs.may_leave(key);
    if (scene().services.service_of(key) != nullptr) return scene().services.may_leave(key);
    const std::vector<ObjectKey> removals = scene().truth.agent_state().removals;
    if (std::find(removals.begin(), removals.end(), key) != removals.end()) return true;
    const auto found = approved_.find(key);
    return found != approved_.end() && now() - found->second < k_lag;
  }

  bool is_approved_object(const ResourceView& view) const {
    if (const auto* service = std::get_if<ServiceView>(&view)) return may_leave(*service);
    if (const auto* secret = std::get_if<SecretView>(&view)) return may_leave(*secret);
    const auto* map = std::get_if<ConfigMapView>(&view);
    if (map == nullptr) return false;
    const Result<ObjectKey> anchored = anchored_key(*map);
    if (anchored) return is_approved(*anchored);
    return is_approved({Kind::ConfigMap, map->meta.key.ns, map->meta.key.name});
  }

  bool may_leave(const SecretView& token) const {
    const ObjectKey key{Kind::RayCluster, token.meta.key.ns, token.cluster};
    if (is_approved(key)) return true;
    const auto declaration = scene().truth.applied(key);
    return declaration && !cluster_spec(*declaration).token_auth;
  }

  // A headless Service cannot become another one in place, nor the other way round.
  bool may_leave(const ServiceView& service) const {
    const auto served = service_that_owns(service.meta.key.ns, service.owner_name);
    if (served) return is_approved(*served) || scene().services.may_stop(*served);
    const ObjectKey key{Kind::RayCluster, service.meta.key.ns, service.cluster};
    if (is_approved(key)) return true;
    const auto declaration = scene().truth.applied(key);
    if (!declaration) return false;
    const RayClusterSpec& spec = cluster_spec(*declaration);
    if (service.meta.key.name == workers_service_name(service.cluster))
      return std::none_of(spec.workers.begin(), spec.workers.end(),
                          [](const GroupSpec& group) { return group.hosts > 1; });
    return spec.service_type.empty() != service.headless;
  }

  // Empty when there is a reason to delete it.
  std::string why_not(const PodView& pod) {
    const ObjectKey key{Kind::RayCluster, pod.meta.key.ns, pod.cluster};
    const auto anchor = scene().truth.anchor(key);
    const bool leaves = !anchor || anchor->meta.uid != pod.meta.owner_uid || is_approved(key);
    if (leaves || failed_.contains(pod.meta.uid)) return {};
    const auto declaration = scene().truth.applied(key);
    if (!declaration) return "its anchor is not readable";
    const RayClusterSpec& spec = cluster_spec(*declaration);
    if (spec.suspend) return {};
    const std::int64_t incarnation = anchored_state(*anchor).incarnation;
    if (pod.incarnation != incarnation) return {};
    if (pod.group == k_head_group_name) return "it is a healthy head of this incarnation";
    return why_not(pod, spec);
  }

  std::string why_not(const PodView& worker, const RayClusterSpec& spec) {
    const auto group =
        std::find_if(spec.workers.begin(), spec.workers.end(),
                     [&](const GroupSpec& entry) { return entry.name == worker.group; });
    if (head_has_restarted(worker)) return {};
    const bool is_declared = group != spec.workers.end();
    if (is_declared && group->template_hash != worker.template_hash) return {};
    if (is_declared && (has_lost_a_host(worker) || is_only_begun(worker, *group))) return {};
    if (spec.autoscaling) return scene().gcs.what_is_lost(worker.meta.uid);
    if (!is_declared) return {};
    const auto& pods = seen_[{worker.meta.owner_uid, worker.group}];
    const auto recent = std::count_if(pods.begin(), pods.end(), [&](const auto& entry) {
      return now() - entry.second < k_lag || is_live(entry.first, worker);
    });
    const std::int64_t wanted = group->suspend ? 0 : group->replicas * group->hosts;
    if (recent > wanted) return {};
    return "it is healthy, current and wanted";
  }

  // What belongs together: owner, name and template.
  static std::pair<std::string, std::string> replica_of(const PodView& pod) {
    return {pod.meta.owner_uid, raycluster::replica_key(pod)};
  }

  // A replica of several hosts leaves as a whole.
  bool has_lost_a_host(const PodView& worker) const {
    const auto found = broken_.find(replica_of(worker));
    return !worker.replica.empty() && found != broken_.end() && now() - found->second < k_lag;
  }

  // It lacks hosts and nothing runs on it: it may give way to another one.
  bool is_only_begun(const PodView& worker, const GroupSpec& group) const {
    std::int64_t hosts = 0;
    for (const PodView& pod :
         scene().truth.pods({Kind::RayCluster, worker.meta.key.ns, worker.cluster})) {
      if (replica_of(pod) != replica_of(worker)) continue;
      if (pod.ray_started_at) return false;
      ++hosts;
    }
    return !worker.replica.empty() && hosts < group.hosts;
  }

  bool is_live(const std::string& uid, const PodView& sibling) const {
    const auto pods = scene().truth.pods({Kind::RayCluster, sibling.meta.key.ns, sibling.cluster});
    return std::any_of(pods.begin(), pods.end(),
                       [&](const PodView& pod) { return pod.meta.uid == uid; });
  }

  // A head that restarted in place does not know the workers that joined before.
  bool head_has_restarted(const PodView& worker) const {
    const auto pods = scene().truth.pods({Kind::RayCluster, worker.meta.key.ns, worker.cluster});
    return std::any_of(pods.begin(), pods.end(), [](const PodView& pod) {
      return pod.group == k_head_group_name && pod.ray_restart_count > 0;
    });
  }

  std::map<ObjectKey, Instant> approved_;
  // Owner uid and group -> pods, with when each changed last.
  std::map<std::pair<std::string, std::string>, std::map<std::string, Instant>> seen_;
  std::map<std::string, Instant> failed_;
  // Replicas of several hosts of which one failed or left, and when.
  std::map<std::pair<std::string, std::string>, Instant> broken_;
};

}  // namespace

std::unique_ptr<Checker> make_deletion_checker(const Scene& scene) {
  return std::make_unique<Deletion>(scene);
}

}  // namespace ray_gitops::simulation
