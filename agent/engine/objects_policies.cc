// Objects: AutoscalerPolicies.
#include "agent/engine/objects.h"
#include "reconcilers/policy/reconcile.h"

namespace ray_gitops::engine {

// It is in force from the moment that it is declared, whether its anchor is there yet or not.
Plan Objects::plan_policy(const ObjectKey& key, Record& record, const Choice& choice, Now now) {
  const Declaration* declaration = nullptr;
  if (choice.basis == Basis::Declared) declaration = &*record.wish.declared;
  if (choice.basis == Basis::LastGood) declaration = last_good(key, record);
  autoscaler::Fleet& fleet = autoscaling_.fleet();
  const bool is_news =
      declaration != nullptr ? fleet.set_policy(*declaration) : fleet.forget_policy(key);
  if (is_news) look_at_clusters();
  const PolicyObserved observed{observe_anchor(key), refusals_of(key), fleet.summary(key, now.wall),
                                fleet.next_change(now.wall)};
  if (choice.basis == Basis::Removal)
    return policy::plan_removal(key, observed, options_.agent_id, now);
  if (declaration == nullptr) return not_yet_known();
  const bool is_new = choice.basis == Basis::Declared && anchor_of(key) == nullptr;
  if (is_new && waits_for_companions(key)) return waiting_for_companions();
  return policy::reconcile(*declaration, observed, options_.agent_id, now);
}

void Objects::look_at_clusters() {
  for (const auto& [key, record] : records_)
    if (key.kind == Kind::RayCluster) dirty_.insert(key);
}

// Their status says what their tenants use.
void Objects::tell_policies() {
  for (const ObjectKey& policy : autoscaling_.fleet().take_changed())
    if (records_.contains(policy)) dirty_.insert(policy);
}

}  // namespace ray_gitops::engine
