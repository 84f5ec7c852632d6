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

struct JobObserved {
  Fact<std::optional<ConfigMapView>> anchor;
  // What the anchor was made from; nullopt without one that can be read.
  std::optional<Declaration> anchored;
  // Anchors of clusters that the live anchor owns, in order of name, terminating ones among them.
  Fact<std::vector<ConfigMapView>> children;
  // By name: the children's, and the one that is selected by the file or by `anchored`, if it has
  // an anchor.
  Fact<std::map<std::string, ClusterFacts>> clusters;
  HeadAnswers head;
  // Runs of this job that the status branch has on record. Unknown before it has been read.
  Fact<FinishedRuns> ledger;
  // Status commits are switched off, or refused for good: the anchor is the only ledger.
  bool ledger_closed = false;
  std::map<ResourceKey, Refusal> refusals;
};

}  // namespace ray_gitops
