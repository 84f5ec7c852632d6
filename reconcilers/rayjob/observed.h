#pragma once
// Everything a decision about a RayJob may look at.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/fact.h"
#include "reconcilers/model/job_run.h"
#include "reconcilers/model/ray_head.h"
#include "reconcilers/model/refusal.h"
#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"
#include "reconcilers/model/view.h"

namespace ray_gitops {

// A cluster that a job may run on, as its own reconciler sees it.
struct JobCluster {
  bool ready = false;
  std::string message;  // why it is not ready, one sentence
  // The head pod that the cluster's anchor owns; empty without one. One that is terminating still
  // counts while there is no other.
  std::string head_uid;
  std::string head_address;  // "<ip>:<dashboard port>"; empty before it has an IP
};

// What the head has answered about one job. It is about `head_uid` and `submission_id` only: it
// starts anew when the job's requests go to another head or ask for another id.
struct HeadAnswers {
  std::string head_uid;
  std::string submission_id;
  // Of GetVersion, if it was answered after the last "no such job" and the last silence: the head
  // has not lived through anything unseen since.
  std::optional<std::string> session;
  // Of the last GetJob (outer: answered at all; inner: the head knows it). Gone once a SubmitJob
  // or a StopJob has been sent after it.
  std::optional<std::optional<RayJobInfo>> job;
  Instant job_answered_at;
  // The head understood the last SubmitJob and refused it (Rejected). Gone once a GetVersion has
  // been answered after it: a later run may ask this head for the same id.
  std::optional<Error> refused;
  // Why the last request was not answered; empty when it was.
  std::string silence;
};

struct JobObserved {
  Fact<std::optional<ConfigMapView>> anchor;
  // What the anchor was made from; nullopt without one that can be read.
  std::optional<Declaration> anchored;
  // Anchors of clusters that the live anchor owns, in order of name, terminating ones among them.
  Fact<std::vector<ConfigMapView>> children;
  // By name: the children's, and the one that is selected by the file or by `anchored`, if it has
  // an anchor.
  Fact<std::map<std::string, JobCluster>> clusters;
  HeadAnswers head;
  // Runs of this job that the status branch has on record. Unknown before it has been read.
  Fact<FinishedRuns> ledger;
  // Status commits are switched off, or refused for good: the anchor is the only ledger.
  bool ledger_closed = false;
  std::map<ResourceKey, Refusal> refusals;
};

}  // namespace ray_gitops
