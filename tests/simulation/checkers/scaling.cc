// A group of an autoscaled cluster never gets a worker more than its file allows.
#include <algorithm>
#include <map>

#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

// A create that was lost on its way may land this much later, when the file allows less.
constexpr Duration k_lag = std::chrono::minutes(2);

class Scaling : public Checker {
 public:
  explicit Scaling(const Scene& scene) : Checker(scene, "scaling") {}

  void on_change(const local_cluster::Change& change) override {
    if (change.key.plural == "configmaps") return note_limits(change);
    if (change.key.plural != "pods" || change.type != local_cluster::ChangeType::Added) return;
    const auto view = view_of(change.object);
    const auto* pod = view ? std::get_if<PodView>(&*view) : nullptr;
    if (pod == nullptr || pod->meta.agent != k_agent_id || pod->group == k_head_group_name) return;
    const ObjectKey key{Kind::RayCluster, pod->meta.key.ns, pod->cluster};
    const auto most = most_of(key, pod->group);
    if (most && count(key, *pod) > *most)
      fail(to_string(pod->meta.key) + " is one worker more than the file allows");
  }

 private:
  // Of one group: how many the file allowed, until when.
  using Limits = std::map<std::int64_t, Instant>;

  void note_limits(const local_cluster::Change& change) {
    const auto view = view_of(change.object);
    if (!view) return;
    const Result<ObjectKey> key = anchored_key(std::get<ConfigMapView>(*view));
    if (!key || key->kind != Kind::RayCluster) return;
    const auto declaration = scene().truth.applied(*key);
    if (!declaration) return;
    const RayClusterSpec& spec = cluster_spec(*declaration);
    auto& limits = limits_[*key];
    for (const GroupSpec& group : spec.workers)
      limits[group.name][(spec.autoscaling ? group.max_replicas : group.replicas) * group.hosts] =
          now();
  }

  // nullopt while the cluster does not scale.
  std::optional<std::int64_t> most_of(const ObjectKey& key, const std::string& group) {
    const auto declaration = scene().truth.applied(key);
    if (!declaration || !cluster_spec(*declaration).autoscaling) return std::nullopt;
    std::int64_t most = 0;
    for (const GroupSpec& each : cluster_spec(*declaration).workers)
      if (each.name == group) most = each.max_replicas * each.hosts;
    for (const auto& [limit, until] : limits_[key][group])
      if (now() - until < k_lag) most = std::max(most, limit);
    return most;
  }

  // Those that stay: a failed one is on its way out, one that was drained likewise.
  std::int64_t count(const ObjectKey& key, const PodView& sibling) const {
    const auto pods = scene().truth.pods(key);
    return std::count_if(pods.begin(), pods.end(), [&](const PodView& pod) {
      return pod.group == sibling.group && pod.incarnation == sibling.incarnation &&
             !pod.meta.terminating && !has_failed(pod) && !scene().gcs.is_leaving(pod.meta.uid);
    });
  }

  std::map<ObjectKey, std::map<std::string, Limits>> limits_;
};

}  // namespace

std::unique_ptr<Checker> make_scaling_checker(const Scene& scene) {
  return std::make_unique<Scaling>(scene);
}

}  // namespace ray_gitops::simulation
