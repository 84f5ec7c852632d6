// Converged means silent: nothing but polls, watches and the renewal of the Lease. A name that
// somebody else holds is asked for again, at most once a minute; a head for a job that does not
// end, once a second; a head that serves, every five seconds; one whose cluster scales, twice a
// second.
#include <algorithm>
#include <map>

#include "agent/engine/autoscaling.h"
#include "reconcilers/rayservice/reconcile.h"
#include "tests/simulation/checkers/all.h"
#include "tests/simulation/checkers/end_state_jobs.h"

namespace ray_gitops::simulation {
namespace {

class Silence : public Checker {
 public:
  explicit Silence(const Scene& scene) : Checker(scene, "silence") {}

  void on_silence() override { silent_ = true; }

  void on_effect(const Agent& agent, const engine::Effect& effect) override {
    if (!silent_ || is_allowed(effect)) return;
    const std::string text = describe(effect);
    fail(agent.client() + " still does something: " + text.substr(0, 300));
  }

 private:
  bool is_allowed(const engine::Effect& effect) {
    if (const auto* ask = std::get_if<engine::AskRay>(&effect)) return is_poll(ask->request);
    if (const auto* ask = std::get_if<engine::AskGcs>(&effect)) return is_poll(ask->request);
    if (const auto* write = std::get_if<engine::SendWrite>(&effect))
      return write->action.target.type == ResourceType::Lease || is_taken(write->action.target);
    if (const auto* read = std::get_if<engine::SendRead>(&effect))
      return read->key.type == ResourceType::Lease || is_taken(read->key);
    return std::holds_alternative<engine::ListRemote>(effect) ||
           std::holds_alternative<engine::StartWatch>(effect) ||
           std::holds_alternative<engine::HoldLease>(effect) ||
           std::holds_alternative<engine::WriteLog>(effect);
  }

  bool is_taken(const ResourceKey& key) const {
    return scene().user.foreign().contains(store_key(key));
  }

  bool is_poll(const RayRequest& request) {
    const bool serves = request.verb == RayVerb::GetServe;
    const std::string& id = serves ? request.cluster : request.submission_id;
    const auto last = polled_.find(id);
    const Duration pause = serves ? rayservice::k_calm_poll_interval : k_poll_interval;
    const bool too_early = last != polled_.end() && now() - last->second < pause;
    polled_[id] = now();
    if (too_early) return false;
    return serves ? is_serving_cluster(id) : request.verb == RayVerb::GetJob && is_endless(id);
  }

  bool is_poll(const GcsRequest& request) {
    const auto last = polled_.find(request.cluster);
    const bool too_early = last != polled_.end() && now() - last->second < k_gcs_poll_interval;
    polled_[request.cluster] = now();
    return !too_early && std::holds_alternative<GetResourceState>(request.body);
  }

  bool is_serving_cluster(const std::string& cluster) const {
    const auto& services = scene().user.wanted().services;
    return std::any_of(services.begin(), services.end(), [&](const auto& entry) {
      const auto state = scene().services.state_of(key_of(entry.first, entry.second));
      return state && state->active == cluster;
    });
  }

  bool is_endless(const std::string& id) const {
    const std::string name = id.substr(0, id.find('-'));
    const auto job = scene().user.wanted().jobs.find(name);
    return job != scene().user.wanted().jobs.end() &&
           runs_for_ever(scene(), key_of(name, job->second));
  }

  static constexpr Duration k_poll_interval = std::chrono::seconds(1);
  static constexpr Duration k_gcs_poll_interval =
      engine::Autoscaling::k_poll_least -
      engine::Autoscaling::k_poll_least / engine::Autoscaling::k_early_part;

  bool silent_ = false;
  std::map<std::string, Instant> polled_;  // by submission id or cluster
};

}  // namespace

std::unique_ptr<Checker> make_silence_checker(const Scene& scene) {
  return std::make_unique<Silence>(scene);
}

}  // namespace ray_gitops::simulation
