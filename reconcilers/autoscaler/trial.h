#pragma once
// How many of which requests one node would take, and how good that is (Ray's UtilizationScore).

#include <cstdint>
#include <utility>
#include <vector>

#include "reconcilers/autoscaler/shapes.h"

namespace ray_gitops::autoscaler {

// Larger is better, member by member.
struct Rank {
  int label = 0;        // an earlier label selector is matched
  bool gpu_ok = false;  // no GPU is kept from those who need one
  int resources = 0;    // kinds of resources that the placed requests use
  double lowest = 0;    // of total * utilization^3
  double mean = 0;
  double recoverable_availability = 1;
  std::int64_t priority = 0;
  double availability = 1;
};

bool is_better(const Rank& left, const Rank& right);

// Of one pass over the requests in their order, without going back.
struct Trial {
  std::vector<std::pair<std::uint32_t, std::int64_t>> taken;  // shape, count
  Amounts available;                                          // afterwards
  SharedLabels labels;
  Placed placed;
  Rank rank;
};

struct TrialRules {
  Source source = Source::Demand;
  bool conserve_gpu_nodes = true;
  const Vocabulary* vocabulary = nullptr;
  const std::vector<NodeType>* types = nullptr;
};

// Nothing is taken when nothing fits; then only `taken` means anything.
Trial try_on(const Node& node, const std::vector<Shape>& shapes,
             const std::vector<std::int64_t>& remaining, const TrialRules& rules);

// Some shape's resources fit, whatever the labels say.
bool may_take(const Node& node, const std::vector<Shape>& shapes, const TrialRules& rules);

}  // namespace ray_gitops::autoscaler
