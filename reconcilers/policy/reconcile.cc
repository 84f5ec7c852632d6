#include "reconcilers/policy/reconcile.h"

#include <cstddef>
#include <utility>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/parent/parent_round.h"

namespace ray_gitops::policy {
namespace {

std::string counted(std::size_t count, const char* thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

class Round : private parent::ParentRound {
 public:
  Round(const ObjectKey& key, const PolicyObserved& observed, const std::string& agent_id, Now now)
      : ParentRound(key, observed.refusals, agent_id, now), observed_(observed) {}

  Plan follow(const Declaration& declaration) {
    save(declaration);
    if (observed_.next_change) look_again_at(*observed_.next_change);
    plan_.ray = observed_.summary;
    return closed();
  }
  Plan leave() {
    say(Phase::Removing, "FileRemoved", to_string(key_) + " leaves: its file is gone");
    const auto& anchor = observed_.anchor.value();
    if (anchor && !is_leaving(*anchor)) remove(anchor->meta, "its file is gone");
    return closed();
  }

 private:
  void save(const Declaration& declaration) {
    const auto& anchor = observed_.anchor.value();
    const Result<Document> body = policy_anchor_body(declaration, agent_id_);
    if (!anchor) {
      say(Phase::Applying, "CreatingAnchor", "its anchor is being created");
      return create(anchor_key(key_), body, "it is declared");
    }
    if (is_leaving(*anchor))
      return say(Phase::Progressing, "AnchorLeaving",
                 "its anchor is being deleted; it is made again once that is done");
    if (anchor->spec_hash != declaration.spec_hash) {
      say(Phase::Applying, "DocumentChanged", parent::edit_of(declaration) + " is being saved");
      return replace(anchor->meta, body, "its document changed");
    }
    say_ready(std::get<AutoscalerPolicySpec>(declaration.spec));
  }
  void say_ready(const AutoscalerPolicySpec& spec) {
    say(Phase::Ready, "InForce",
        counted(spec.tenants.size(), "tenant") + ", " + counted(spec.schedules.size(), "schedule") +
            " and " + counted(spec.warm.size(), "warm group") + " are in force");
  }
  Plan closed() {
    close_plan();
    plan_.conditions = {{"Ready", plan_.phase == Phase::Ready, plan_.reason, plan_.message}};
    return std::move(plan_);
  }

  const PolicyObserved& observed_;
};

}  // namespace

Plan reconcile(const Declaration& declaration, const PolicyObserved& observed,
               const std::string& agent_id, Now now) {
  if (!observed.anchor.is_known())
    return parent::not_yet_known(Phase::Pending, observed.anchor.why());
  return Round(declaration.key, observed, agent_id, now).follow(declaration);
}

Plan plan_removal(const ObjectKey& key, const PolicyObserved& observed, const std::string& agent_id,
                  Now now) {
  if (!observed.anchor.is_known())
    return parent::not_yet_known(Phase::Removing, observed.anchor.why());
  return Round(key, observed, agent_id, now).leave();
}

}  // namespace ray_gitops::policy
