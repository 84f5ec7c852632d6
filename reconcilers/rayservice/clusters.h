#pragma once
// Which clusters a service should have: from the remembered ones to the next ones, values only.

#include <set>
#include <string>
#include <vector>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/service_state.h"
#include "reconcilers/model/time.h"
#include "reconcilers/model/view.h"

namespace ray_gitops::rayservice {

// nullptr without one of that name.
const ServingCluster* find_cluster(const ServiceState& state, const std::string& name);
ServingCluster* find_cluster(ServiceState& state, const std::string& name);

// The cluster that an anchor is for, by the anchor's name: what else it says may have been edited.
std::string cluster_of(const ConfigMapView& child);

// It can become what the spec says while it runs: the head is the same, so is each of its worker
// groups. Groups may be added.
bool fits(const ServingCluster& cluster, const RayServiceSpec& spec);

// Whose clusters these are.
struct Family {
  std::string service;             // the name
  std::string anchor_uid;          // another anchor's clusters are leaving and hold their names
  std::set<std::string> children;  // names of clusters that have an anchor,
  std::set<std::string> living;    // and of those whose anchor is not terminating
  std::set<std::string> led_to;    // clusters that a Service of the service leads to
};

Family family_of(const std::string& service, const std::string& anchor_uid,
                 const std::vector<ConfigMapView>& children,
                 const std::vector<ServiceView>& services);

// The clusters after a round, and what has changed.
struct NextClusters {
  ServiceState state;
  // The one that is to serve; empty while the service is suspended, or waits for clusters from
  // before to be gone.
  std::string wanted;
  bool keeps_old = false;            // upgradeStrategy.type None keeps one that does not fit
  std::vector<std::string> changes;  // sentences; none: the state is as it was
};

// By the rules of reconcile.h. A cluster whose anchor was deleted by hand is made again under its
// name when it is the wanted one; another one is forgotten, as nobody knows what it was made from.
NextClusters next_clusters(const ServiceState& state, const RayServiceSpec& spec,
                           const Family& family, WallTime now);

// The wanted cluster serves from now on; the one before leaves when its delay has passed and no
// Service leads to it any more.
void switch_to_wanted(NextClusters& next, const RayServiceSpec& spec, WallTime now);

}  // namespace ray_gitops::rayservice
