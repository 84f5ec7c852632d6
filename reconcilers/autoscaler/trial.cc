#include "reconcilers/autoscaler/trial.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <tuple>

namespace ray_gitops::autoscaler {
namespace {

auto as_tuple(const Rank& rank) {
  return std::tie(rank.label, rank.gpu_ok, rank.resources, rank.lowest, rank.mean,
                  rank.recoverable_availability, rank.priority, rank.availability);
}

ResourceUnits have(const Amounts& available, ResourceId id, const Vocabulary& vocabulary) {
  const ResourceUnits* found = find_amount(available, id);
  return found ? *found : vocabulary.unnamed(id);
}

// How many of the shape the resources hold.
std::int64_t fitting(const Amounts& available, const Shape& shape, const Vocabulary& vocabulary) {
  std::int64_t count = std::numeric_limits<std::int64_t>::max();
  for (const auto& [id, units] : shape.needs) {
    count = std::min(count, have(available, id, vocabulary) / units);
    if (count == 0) break;
  }
  return count;
}

void subtract(Amounts& available, const Shape& shape, std::int64_t count,
              const Vocabulary& vocabulary) {
  for (const auto& [id, units] : shape.needs) {
    const auto found =
        std::find_if(available.begin(), available.end(),
                     [wanted = id](const auto& entry) { return entry.first == wanted; });
    if (found != available.end()) {
      found->second -= units * count;
    } else {
      available.emplace_back(id, vocabulary.unnamed(id) - units * count);
      std::sort(available.begin(), available.end());
    }
  }
}

bool spreads(const Shape& shape) {
  return std::any_of(
      shape.request->placement.begin(), shape.request->placement.end(),
      [](const PlacementConstraint& each) { return each.anti_affinity.has_value(); });
}

// What a node that takes the shape repels from now on.
void add_labels(Trial& trial, const Shape& shape) {
  Labels labels = *trial.labels;
  for (const PlacementConstraint& constraint : shape.request->placement)
    if (constraint.anti_affinity)
      labels[constraint.anti_affinity->name] = constraint.anti_affinity->value;
  trial.labels = std::make_shared<const Labels>(std::move(labels));
}

void note_placed(Placed& placed, const Shape& shape, std::int64_t count, int label_rank) {
  for (const auto& [id, units] : shape.needs) {
    const auto place = std::lower_bound(placed.resources.begin(), placed.resources.end(), id);
    if (place == placed.resources.end() || *place != id) placed.resources.insert(place, id);
  }
  placed.mentions_gpu = placed.mentions_gpu || shape.mentions_gpu;
  if (placed.label_rank == 0) placed.label_rank = label_rank;
  if (!placed.first) placed.first = shape.request;
  placed.count += count;
}

// How many the node takes now; sets the rank of the label selector that lets it.
std::int64_t takes(const Trial& trial, const Shape& shape, std::int64_t remaining, int* label_rank,
                   const Vocabulary& vocabulary) {
  std::int64_t count = std::min(remaining, fitting(trial.available, shape, vocabulary));
  if (count == 0) return 0;
  const auto& selectors = shape.request->selectors;
  if (!selectors.empty()) {
    const int index = matching_selector(selectors, *trial.labels);
    if (index < 0) return 0;
    *label_rank = static_cast<int>(selectors.size()) - index;
  }
  if (shape.request->placement.empty()) return count;
  if (is_repelled(*shape.request, *trial.labels)) return 0;
  return spreads(shape) ? 1 : count;
}

double used(ResourceUnits total, ResourceUnits available) {
  if (available == total) return 0;
  const double whole = from_units(total);
  const double utilization = (whole - from_units(available)) / whole;
  return whole * std::pow(utilization, 3.0);
}

void rate_utilization(const Node& node, const Amounts& available, Rank& rank) {
  double lowest = std::numeric_limits<double>::infinity();
  double sum = 0;
  int count = 0;
  for (const auto& [id, total] : node.total) {
    const ResourceUnits* left = total == 0 ? nullptr : find_amount(available, id);
    if (!left) continue;
    const double value = used(total, *left);
    lowest = std::min(lowest, value);
    sum += value;
    ++count;
  }
  if (count == 0) return;
  rank.lowest = lowest;
  rank.mean = sum / count;
}

Rank rate(const Node& node, const Trial& trial, const TrialRules& rules) {
  Rank rank;
  rank.label = trial.placed.label_rank;
  const ResourceUnits* gpus = find_amount(node.total, k_gpu);
  rank.gpu_ok = !rules.conserve_gpu_nodes || !gpus || *gpus == 0 || trial.placed.mentions_gpu;
  for (const ResourceId id : trial.placed.resources)
    if (find_amount(node.total, id)) ++rank.resources;
  rate_utilization(node, trial.available, rank);
  if (node.type < 0) return rank;
  const NodeType& type = (*rules.types)[static_cast<std::size_t>(node.type)];
  rank.recoverable_availability = type.recoverable_availability;
  rank.priority = type.priority;
  rank.availability = type.availability;
  return rank;
}

}  // namespace

bool is_better(const Rank& left, const Rank& right) { return as_tuple(left) > as_tuple(right); }

Trial try_on(const Node& node, const std::vector<Shape>& shapes,
             const std::vector<std::int64_t>& remaining, const TrialRules& rules) {
  const auto source = static_cast<std::size_t>(rules.source);
  Trial trial;
  trial.available = node.available[source];
  trial.labels = node.labels;
  trial.placed = node.placed[source];
  for (std::uint32_t index = 0; index < shapes.size(); ++index) {
    if (remaining[index] == 0) continue;
    const Shape& shape = shapes[index];
    int label_rank = 0;
    const std::int64_t count =
        takes(trial, shape, remaining[index], &label_rank, *rules.vocabulary);
    if (count == 0) continue;
    subtract(trial.available, shape, count, *rules.vocabulary);
    if (spreads(shape)) add_labels(trial, shape);
    note_placed(trial.placed, shape, count, label_rank);
    trial.taken.emplace_back(index, count);
  }
  if (!trial.taken.empty()) trial.rank = rate(node, trial, rules);
  return trial;
}

bool may_take(const Node& node, const std::vector<Shape>& shapes, const TrialRules& rules) {
  const Amounts& available = node.available[static_cast<std::size_t>(rules.source)];
  return std::any_of(shapes.begin(), shapes.end(), [&](const Shape& shape) {
    return fitting(available, shape, *rules.vocabulary) > 0;
  });
}

}  // namespace ray_gitops::autoscaler
