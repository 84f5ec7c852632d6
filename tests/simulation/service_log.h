#pragma once
// What has become of services so far, for checkers: which clusters were made for them, which of
// those served, and which are wanted no more.

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reconcilers/model/service_state.h"
#include "tests/simulation/ray_head.h"
#include "tests/simulation/truth.h"

namespace ray_gitops::simulation {

// The service whose anchor owns an object, by the owner's name; nullopt for any other owner.
std::optional<ObjectKey> service_that_owns(const std::string& ns, const std::string& owner_name);
// The cluster that a Service selects, as it stands in its object.
std::string selected_cluster(const Document& service);

class ServiceLog {
 public:
  ServiceLog(const Core& core, Truth& truth, const RayHeads& heads)
      : core_(core), truth_(truth), heads_(heads) {}

  void on_change(const local_cluster::Change& change);
  // The head of the cluster was asked about Serve, or told what to serve.
  void on_serve(const ObjectKey& cluster) { look_at(cluster); }

  // nullptr: it was not made for a service.
  const ObjectKey* service_of(const ObjectKey& cluster) const;
  // Those whose anchors the service's live anchor owns, in order of name.
  std::vector<ObjectKey> clusters_of(const ObjectKey& service) const;
  // What the service's live anchor remembers.
  std::optional<ServiceState> state_of(const ObjectKey& service) const;
  // Is a cluster that was made for a service wanted no more, or was it so a short while ago?
  bool may_leave(const ObjectKey& cluster);
  // Is it so now?
  bool is_surplus(const ObjectKey& cluster);
  // Is nothing of the service wanted: it is suspended, its removal approved, or its anchor gone?
  // Or was it so a short while ago?
  bool may_stop(const ObjectKey& service);
  bool is_stopped(const ObjectKey& service);
  // Was it the cluster that the service's anchor calls active, now or a short while ago?
  bool was_active(const ObjectKey& service, const std::string& cluster) const;
  // Did all applications run there while a pod that is Ready served, now or a short while ago?
  bool has_served(const ObjectKey& cluster);
  // Has the cluster had a live anchor of its service all the time, up to a while ago at least?
  bool was_there(const ObjectKey& cluster) const;
  // Did one of its clusters?
  bool was_ready(const ObjectKey& service);
  // Pods that are Ready, have the label, and whose proxy is healthy, as far as a head can say.
  bool has_serving_pod(const ObjectKey& cluster) const;

 private:
  bool was_lately(const std::map<ObjectKey, Instant>& times, const ObjectKey& key) const;
  void on_anchor(const ConfigMapView& anchor, bool deleted);
  void on_service_anchor(const ObjectKey& service, const ConfigMapView& anchor);
  void note_what_ends();
  void look_at(const ObjectKey& cluster);
  bool is_well(const ObjectKey& cluster) const;

  const Core& core_;
  Truth& truth_;
  const RayHeads& heads_;
  std::map<ObjectKey, ObjectKey> services_;                           // by cluster
  std::map<std::pair<ObjectKey, std::string>, Instant> were_active_;  // service and cluster
  std::map<ObjectKey, std::string> active_;                           // by service
  std::map<ObjectKey, Instant> surplus_;                              // when it was last so
  std::map<ObjectKey, Instant> stopped_;
  std::map<ObjectKey, Instant> destroyed_;
  std::map<ObjectKey, bool> well_;  // at the last look
  std::map<ObjectKey, Instant> served_;
};

}  // namespace ray_gitops::simulation
