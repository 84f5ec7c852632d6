// The commit in force moves forward only, but for a release; and the anchors' Lease epoch and
// incarnations never fall.
#include <map>

#include "reconcilers/manifest/names.h"
#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

class Forward : public Checker {
 public:
  explicit Forward(const Scene& scene) : Checker(scene, "forward") {}

  void on_write(const WriteSeen& write) override {
    if (write.before.is_null() || write.after.is_null() || write.before == write.after) return;
    const auto before = view_of(write.before);
    const auto after = view_of(write.after);
    const auto* old_map = before ? std::get_if<ConfigMapView>(&*before) : nullptr;
    const auto* new_map = after ? std::get_if<ConfigMapView>(&*after) : nullptr;
    if (old_map == nullptr || new_map == nullptr) return;
    if (write.action->target == agent_anchor_key(k_agent_ns, k_agent_id))
      return check_commit(*old_map, *new_map);
    if (anchored_state(*new_map).incarnation < anchored_state(*old_map).incarnation)
      fail("the incarnation of " + to_string(new_map->meta.key) + " falls");
  }

 private:
  void check_commit(const ConfigMapView& before, const ConfigMapView& after) {
    const auto old_state = agent_state(before);
    const auto new_state = agent_state(after);
    if (!old_state || !new_state) return;
    const std::string& from = old_state->accepted_commit;
    const std::string& to = new_state->accepted_commit;
    if (!scene().git.has_source(to)) return fail("a commit is accepted that does not exist: " + to);
    const bool released =
        scene().git.source(to).message.find("Ray-Gitops-Release: ") != std::string::npos;
    if (!released && !scene().git.descends(to, from))
      fail("the commit in force goes from " + from + " back to " + to);
  }
};

}  // namespace

std::unique_ptr<Checker> make_forward_checker(const Scene& scene) {
  return std::make_unique<Forward>(scene);
}

}  // namespace ray_gitops::simulation
