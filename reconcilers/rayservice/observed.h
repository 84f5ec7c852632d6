#pragma once
// Everything a decision about a RayService may look at.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/model/fact.h"
#include "reconcilers/model/ray_head.h"
#include "reconcilers/model/refusal.h"
#include "reconcilers/model/view.h"

namespace ray_gitops {

// A cluster that was made for the service.
struct ServiceCluster {
  ClusterFacts facts;
  HeadAnswers head;  // about Serve
};

struct ServiceObserved {
  Fact<std::optional<ConfigMapView>> anchor;
  // Anchors of clusters that the live anchor owns, in order of name, terminating ones among them.
  Fact<std::vector<ConfigMapView>> children;
  Fact<std::map<std::string, ServiceCluster>> clusters;  // by name: the children's
  // That the live anchor owns, in order of name, terminating ones among them.
  Fact<std::vector<ServiceView>> services;
  std::map<ResourceKey, Refusal> refusals;
};

}  // namespace ray_gitops
