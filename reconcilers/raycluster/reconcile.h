#pragma once
// The RayCluster reconciler: what to do next so that the cluster becomes what its file says.

#include <string>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/time.h"
#include "reconcilers/raycluster/observed.h"

namespace ray_gitops::raycluster {

// Total: every input gives a plan. On Unknown facts it has no actions.
//
// Rules, after KubeRay's behaviour and the sharp edges it has:
// - A pod is ours when the live anchor owns it; anything else is never touched and never counted.
// - The head is made before any worker, so a head that is missing beside workers is a lost head.
//   Ray's workers do not outlive their head: its loss, a change of its template, and a change of
//   image or Ray version in any group restart the cluster as a whole. A whole restart is a new
//   incarnation, saved in the anchor before the first pod goes; workers leave first, the head last.
// - A worker template change restarts one group at a time; the next waits until it is Ready, but no
//   longer than five minutes for pods that do not come up.
// - Failed pods are replaced, with growing delay when they keep failing.
// - A write that was refused is planned again; the engine sends it when the refusal's delay is
// over.
// - A terminating pod holds its name; workers take the lowest free slot.
Plan reconcile(const Declaration& declaration, const ClusterObserved& observed,
               const std::string& agent_id, Now now);

// Why a cluster leaves: CamelCase, and the sentence that plan, log and status share.
struct Departure {
  std::string reason = "FileRemoved";
  std::string why = "its file is gone";
};

// What to do when its file is gone and the removal is approved, or the job that it was made for
// wants it no more: workers, then the head, then
// Services and the token, then the anchor. Nothing that the anchor does not own is deleted. Phase
// Removing; no actions and no anchor left means that it is done.
Plan plan_removal(const ObjectKey& key, const Departure& departure, const ClusterObserved& observed,
                  Now now);

}  // namespace ray_gitops::raycluster
