#pragma once
// The RayService reconciler: which clusters there should be, what Serve should run on them, and
// which of them the serve Service leads to.

#include <string>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/time.h"
#include "reconcilers/rayservice/observed.h"

namespace ray_gitops::rayservice {

// How long an application may be unwell before a service that was Ready is called Degraded: Serve
// replaces a replica within it (seen: 2 s after 6 to 8 s of a failing health check).
inline constexpr Duration k_health_patience = std::chrono::seconds(10);
// Serve is asked as often while something is to change, and while all is well.
inline constexpr Duration k_busy_poll_interval = std::chrono::seconds(1);
inline constexpr Duration k_calm_poll_interval = std::chrono::seconds(5);

// Total: every input gives a plan. On Unknown facts it has no actions, retirements or requests.
//
// Rules, after KubeRay's behaviour and the sharp edges it has:
// - The clusters are child anchors. The wanted one is the latest that was made from what the file
//   says: the same head hash, and its worker groups with the same hashes. What scales a cluster,
//   and added groups, go to the running one at once. Anything else makes another cluster beside it,
//   unless upgradeStrategy.type is None: then the change waits, and the status says so.
// - The name of a cluster and what it is made from are in the anchor before it is made (I3).
// - The Serve configuration is put when the head is Ready and has not taken it: the anchor
//   says which head has taken which configuration. It is put again to another head, and when one of
//   its applications is missing there. One that Ray refuses is not put again until it changes.
//   Only the wanted cluster gets a changed one. A cluster that still serves while another is coming
//   up keeps what it has; when its head was lost, it gets the file's (KubeRay leaves it alone).
// - A pod serves (label ray.io/serve) when its node's proxy is healthy, by Serve's word, in the
//   cluster's last answer; the head never with excludeHeadPodFromServeSvc. What is not known
//   changes no label.
// - The serve Service leads to the active cluster, by that one's ports. Another becomes active, in
//   the anchor first, once all applications run there and a pod of it that is Ready serves. The one
//   before leaves after rayClusterDeletionDelaySeconds; going back to it before that makes it the
//   wanted one again.
// - Ready: the wanted cluster is active, every application runs, and a pod that is Ready serves.
//   While a replica or a head is away, one that was well is not called Degraded before
//   k_health_patience has passed.
// - Suspending takes the serve Service and the clusters away; resuming makes a new one.
Plan reconcile(const Declaration& declaration, const ServiceObserved& observed,
               const std::string& agent_id, Now now);

// What to do when its file is gone and the removal is approved: the serve Service goes first, then
// its clusters, then its anchor. Phase Removing; no actions, no retirements and no anchor left
// means that it is done.
Plan plan_removal(const ObjectKey& key, const ServiceObserved& observed,
                  const std::string& agent_id, Now now);

}  // namespace ray_gitops::rayservice
