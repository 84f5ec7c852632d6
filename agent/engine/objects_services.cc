// Objects: services.
#include <utility>

#include "agent/engine/objects.h"
#include "reconcilers/rayservice/reconcile.h"

namespace ray_gitops::engine {

Plan Objects::plan_service(const ObjectKey& key, Record& record, const Choice& choice, Now now) {
  const ServiceObserved observed = observe_service(key);
  switch (choice.basis) {
    case Basis::Removal:
      return rayservice::plan_removal(key, observed, options_.agent_id, now);
    case Basis::Declared:
      if (anchor_of(key) == nullptr && waits_for_companions(key)) return waiting_for_companions();
      return rayservice::reconcile(*record.wish.declared, observed, options_.agent_id, now);
    case Basis::LastGood:
      if (const Declaration* declaration = last_good(key, record))
        return rayservice::reconcile(*declaration, observed, options_.agent_id, now);
      break;
    case Basis::Nothing:
      break;
  }
  return not_yet_known();
}

ServiceObserved Objects::observe_service(const ObjectKey& key) {
  ServiceObserved observed;
  observed.anchor = observe_anchor(key);
  observed.refusals = refusals_of(key);
  const ConfigMapView* anchor = anchor_of(key);
  const std::string uid = anchor == nullptr ? std::string{} : anchor->meta.uid;
  if (cache_.is_complete(ResourceType::Service))
    observed.services = Known<std::vector<ServiceView>>{cache_.services_owned_by(uid)};
  else
    observed.services = incomplete(ResourceType::Service);
  if (!cache_.is_complete(ResourceType::ConfigMap)) {
    observed.children = incomplete(ResourceType::ConfigMap);
    observed.clusters = incomplete(ResourceType::ConfigMap);
    return observed;
  }
  std::vector<ConfigMapView> children = cache_.owned_by(uid);
  observed.clusters = observe_service_clusters(key, children);
  observed.children = Known<std::vector<ConfigMapView>>{std::move(children)};
  return observed;
}

// From now on it is told of what happens to them.
Fact<std::map<std::string, ServiceCluster>> Objects::observe_service_clusters(
    const ObjectKey& service, const std::vector<ConfigMapView>& children) {
  if (!cache_.is_complete(ResourceType::Pod)) return incomplete(ResourceType::Pod);
  std::map<std::string, ServiceCluster> clusters;
  for (const ConfigMapView& child : children) {
    const ObjectKey cluster{Kind::RayCluster, service.ns, child.anchor_name};
    watchers_of_[cluster].insert(service);
    if (auto facts = observe_facts(cluster))
      clusters[cluster.name] = {std::move(*facts), heads_.answers_of(cluster)};
  }
  return Known<std::map<std::string, ServiceCluster>>{std::move(clusters)};
}

}  // namespace ray_gitops::engine
