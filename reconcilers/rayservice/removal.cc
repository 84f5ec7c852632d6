#include <utility>

#include "reconcilers/rayservice/reconcile.h"
#include "reconcilers/rayservice/round.h"

namespace ray_gitops::rayservice {
namespace {

class Removing : private Round {
 public:
  using Round::Round;
  Plan run();

 private:
  void decide();
};

Plan Removing::run() {
  say(Phase::Removing, "FileRemoved", to_string(key_) + " leaves: its file is gone");
  decide();
  close_plan();
  plan_.conditions = {{"Ready", false, plan_.reason, plan_.message}};
  return std::move(plan_);
}

// Requests must not be led to pods that leave.
void Removing::decide() {
  const auto& anchor = observed_.anchor.value();
  if (!anchor) return;
  if (is_leaving(*anchor)) {
    plan_.message += "; its anchor is being deleted";
    return;
  }
  if (remove_services("the file of its service is gone")) {
    leave_clusters_as_they_are();
    plan_.message += "; its serve Service is leaving";
    return;
  }
  for (const ConfigMapView& child : children()) retire(child, "the file of its service is gone");
  if (children().empty())
    remove(anchor_->meta, "its file is gone");
  else
    plan_.message += "; its clusters are leaving";
}

}  // namespace

Plan plan_removal(const ObjectKey& key, const ServiceObserved& observed,
                  const std::string& agent_id, Now now) {
  if (const auto unknown = first_unknown(observed)) return not_yet_known(Phase::Removing, *unknown);
  return Removing(key, observed, agent_id, now).run();
}

}  // namespace ray_gitops::rayservice
