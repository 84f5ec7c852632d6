// No worker is made before a head of its incarnation, and pods only of an incarnation that the
// anchor has saved.
#include <set>

#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

class Order : public Checker {
 public:
  explicit Order(const Scene& scene) : Checker(scene, "order") {}

  void on_write(const WriteSeen& write) override {
    if (!write.before.is_null() || write.after.is_null()) return;
    const auto view = view_of(write.after);
    const auto* pod = view ? std::get_if<PodView>(&*view) : nullptr;
    if (pod == nullptr) return;
    const std::pair incarnation{pod->meta.owner_uid, pod->incarnation};
    if (pod->group == k_head_group_name)
      heads_.insert(incarnation);
    else if (!heads_.contains(incarnation))
      fail(to_string(pod->meta.key) + " is made before its head");
    const auto anchor = scene().truth.anchor({Kind::RayCluster, pod->meta.key.ns, pod->cluster});
    const bool saved = !anchor || anchor->meta.uid != pod->meta.owner_uid ||
                       anchored_state(*anchor).incarnation >= pod->incarnation;
    if (!saved) fail(to_string(pod->meta.key) + " is of an incarnation that was not saved");
  }

 private:
  std::set<std::pair<std::string, std::int64_t>> heads_;  // anchor uid, incarnation
};

}  // namespace

std::unique_ptr<Checker> make_order_checker(const Scene& scene) {
  return std::make_unique<Order>(scene);
}

}  // namespace ray_gitops::simulation
