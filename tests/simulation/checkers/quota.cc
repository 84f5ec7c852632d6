// Clusters whose workers come with demand never have more pods together than their tenant's quota.
#include <algorithm>

#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

class Quota : public Checker {
 public:
  explicit Quota(const Scene& scene) : Checker(scene, "quota") {}

  void on_change(const local_cluster::Change& change) override {
    const int quota = scene().user.wanted().pods_quota;
    const bool is_new = change.type == local_cluster::ChangeType::Added;
    if (quota == 0 || change.key.plural != "pods" || !is_new) return;
    std::int64_t pods = 0;
    for (const auto& [name, cluster] : scene().user.wanted().clusters)
      pods += count(key_of(name, cluster));
    if (pods > quota)
      fail(change.key.name + " is the pod " + std::to_string(pods) + " of " +
           std::to_string(quota));
  }

 private:
  // Those that stay, as the scaling checker counts them.
  std::int64_t count(const ObjectKey& key) const {
    const auto pods = scene().truth.pods(key);
    return std::count_if(pods.begin(), pods.end(), [&](const PodView& pod) {
      return !pod.meta.terminating && !has_failed(pod) && !scene().gcs.is_leaving(pod.meta.uid);
    });
  }
};

}  // namespace

std::unique_ptr<Checker> make_quota_checker(const Scene& scene) {
  return std::make_unique<Quota>(scene);
}

}  // namespace ray_gitops::simulation
