// A commit that empties the folder or removes too much approves nothing without a release; what an
// unreadable file may declare, and what a broken one names, is not removed; what is held does not
// change.
#include <algorithm>
#include <map>

#include "reconcilers/manifest/names.h"
#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

constexpr std::size_t k_budget = 2;  // of the agents' options

class Guard : public Checker {
 public:
  explicit Guard(const Scene& scene) : Checker(scene, "guard") {}

  void on_write(const WriteSeen& write) override {
    if (write.before == write.after) return;
    if (write.action->target == agent_anchor_key(k_agent_ns, k_agent_id)) return check_state();
    if (write.action->verb == Verb::Replace) check_held(write);
  }

 private:
  void check_state() {
    const AgentState state = scene().truth.agent_state();
    std::vector<ObjectKey> added;
    for (const ObjectKey& key : state.removals)
      if (std::find(before_.begin(), before_.end(), key) == before_.end()) added.push_back(key);
    before_ = state.removals;
    if (added.empty() || !scene().git.has_source(state.accepted_commit)) return;
    const SourceCommit& commit = scene().git.source(state.accepted_commit);
    const Repository& said = scene().user.said(commit.id);
    for (const ObjectKey& key : added)
      if (said.names(key)) fail(to_string(key) + " is named by the commit that removes it");
    if (said.has_opaque_file()) fail("removals are approved while a file cannot be read");
    const bool released = commit.message.find("Ray-Gitops-Release: ") != std::string::npos;
    if (released) return;
    if (commit.files.empty()) fail("the empty folder removes without a release");
    if (added.size() > k_budget && added.size() * 100 > scene().truth.anchored().size() * 60)
      fail(std::to_string(added.size()) + " removals are approved without a release");
  }

  void check_held(const WriteSeen& write) {
    const AgentState state = scene().truth.agent_state();
    const auto view = view_of(write.before);
    const auto* map = view ? std::get_if<ConfigMapView>(&*view) : nullptr;
    const Result<ObjectKey> key = map == nullptr ? fail_key() : anchored_key(*map);
    if (!key || std::find(state.held.begin(), state.held.end(), *key) == state.held.end()) return;
    const auto after = view_of(write.after);
    const bool changes = after && std::get<ConfigMapView>(*after).spec_hash != map->spec_hash;
    if (changes && since_held(*key, state) > k_lag) fail(to_string(*key) + " is held and changes");
  }

  // A write that was sent before the hold may arrive after it.
  Duration since_held(const ObjectKey& key, const AgentState& state) {
    const auto [found, is_new] = held_since_.try_emplace({key, state.hold_id}, now());
    return now() - found->second;
  }

  static Result<ObjectKey> fail_key() { return ray_gitops::fail(ErrorCode::NotFound, ""); }

  static constexpr Duration k_lag = std::chrono::seconds(40);

  std::vector<ObjectKey> before_;
  std::map<std::pair<ObjectKey, std::string>, Instant> held_since_;
};

}  // namespace

std::unique_ptr<Checker> make_guard_checker(const Scene& scene) {
  return std::make_unique<Guard>(scene);
}

}  // namespace ray_gitops::simulation
