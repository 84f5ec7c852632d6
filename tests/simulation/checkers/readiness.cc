// A status says Ready only of what was Ready a short while ago.
#include <map>

#include <nlohmann/json.hpp>

#include "tests/simulation/checkers/all.h"

namespace ray_gitops::simulation {
namespace {

// Watches stall, lists fail: what the agent knows may be this old.
constexpr Duration k_lag = std::chrono::minutes(3);

class Readiness : public Checker {
 public:
  explicit Readiness(const Scene& scene) : Checker(scene, "readiness") {}

  // Who was Ready until this change was Ready until now.
  void on_change(const local_cluster::Change& change) override {
    if (change.key.plural != "pods" && change.key.plural != "services") return;
    const auto view = view_of(change.object);
    if (!view) return;
    const auto* pod = std::get_if<PodView>(&*view);
    const std::string cluster =
        pod != nullptr ? pod->cluster : std::get<ServiceView>(*view).cluster;
    if (cluster.empty()) return;
    const ObjectKey key{Kind::RayCluster, change.key.ns, cluster};
    bool& ready = ready_[key];
    if (ready) last_ready_[key] = now();
    ready = scene().truth.is_ready(key);
    if (ready) last_ready_[key] = now();
  }

  void on_effect(const Agent& agent, const engine::Effect& effect) override {
    const auto* publish = std::get_if<engine::PublishStatus>(&effect);
    if (publish == nullptr) return;
    for (const auto& [path, content] : publish->files) {
      if (!path.starts_with("objects/")) continue;
      const auto status = nlohmann::json::parse(content);
      const nlohmann::json& object = status["object"];
      const auto kind = parse_kind(object["kind"].get<std::string>());
      if (!kind || is_companion(*kind) || status["phase"] != "Ready") continue;
      const ObjectKey key{*kind, object["namespace"], object["name"]};
      if (!was_ready(key)) fail(agent.client() + " says that " + to_string(key) + " is Ready");
    }
  }

 private:
  bool was_ready(const ObjectKey& key) {
    if (key.kind == Kind::RayService) return scene().services.was_ready(key);
    if (key.kind == Kind::AutoscalerPolicy) return scene().truth.anchor(key).has_value();
    const auto last = last_ready_.find(key);
    const bool was = last != last_ready_.end() && now() - last->second < k_lag;
    return was || ready_[key];
  }

  std::map<ObjectKey, bool> ready_;
  std::map<ObjectKey, Instant> last_ready_;
};

}  // namespace

std::unique_ptr<Checker> make_readiness_checker(const Scene& scene) {
  return std::make_unique<Readiness>(scene);
}

}  // namespace ray_gitops::simulation
