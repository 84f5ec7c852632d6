#pragma once
// The RayJob reconciler: what to do next so that a job runs exactly as often as its file says.

#include <string>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/time.h"
#include "reconcilers/rayjob/observed.h"

namespace ray_gitops::rayjob {

// Total: every input gives a plan. On Unknown facts it has no actions, retirements or requests.
//
// Rules, after KubeRay's behaviour and the sharp edges it has:
// - One run for each run_hash. One that the anchor or the ledger says has ended never runs again.
//   Without an anchor nothing starts while the ledger is Unknown.
// - What may have been submitted is saved first: attempt, submission id, head pod uid, Ray session.
//   Then the head is asked for the job; "no such job" in the same session means submit (again, with
//   the same id); another head or session means that the attempt is lost.
// - The job's own cluster is a child anchor, one for each attempt; a further attempt (backoffLimit)
//   waits until the cluster of the one before is gone. What Ray reports as FAILED, a refused
//   submission, a lost head and a missed preRunningDeadline are tried again; a missed
//   activeDeadline and a stopped job are not (KubeRay, "Retry"). Deadlines are of one attempt.
// - A head that does not answer proves nothing: the job is not failed for it, only by its deadline.
// - An edit that changes the run waits while an attempt is submitted; before that it takes its
//   place. Other edits take effect at once.
// - Once it has ended: the outcome is saved in the anchor, then on record in Git (unless the ledger
//   is closed), then the cluster may go (shutdownAfterJobFinishes, ttlSecondsAfterFinished). A
//   selected cluster is never touched.
// - Suspending stops the job and takes its cluster away; resuming begins at the first attempt.
Plan reconcile(const Declaration& declaration, const JobObserved& observed,
               const std::string& agent_id, Now now);

// What to do when its file is gone and the removal is approved: a job that may be running is saved
// as Stopped (FileRemoved) and asked to stop, its outcome goes on record, its clusters leave, then
// its anchor. Phase Removing; no actions, no retirements and no anchor left means that it is done.
Plan plan_removal(const ObjectKey& key, const JobObserved& observed, const std::string& agent_id,
                  Now now);

}  // namespace ray_gitops::rayjob
