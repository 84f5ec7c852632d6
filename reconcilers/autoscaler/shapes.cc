#include "reconcilers/autoscaler/shapes.h"

#include <algorithm>
#include <string_view>
#include <tuple>

namespace ray_gitops::autoscaler {
namespace {

constexpr std::string_view k_implicit_prefix = "node:__internal_implicit_resource_";

bool holds(const LabelConstraint& constraint, const Labels& labels) {
  const auto found = labels.find(constraint.key);
  const bool is_in = found != labels.end() && constraint.values.contains(found->second);
  switch (constraint.op) {
    case LabelOperator::In:
      return is_in;
    case LabelOperator::NotIn:
      return !is_in;
    case LabelOperator::Unspecified:
      return false;
  }
  return false;
}

ResourceUnits sum_of(const ResourceAmounts& bundle) {
  ResourceUnits sum = 0;
  for (const auto& [name, units] : bundle) sum = add_units(sum, units);
  return sum;
}

auto sort_key(const ResourceRequest& request) {
  const std::size_t first = request.selectors.empty() ? 0 : request.selectors[0].size();
  return std::tuple(request.placement.size(), first, request.bundle.size(), sum_of(request.bundle));
}

// Ray's order, largest first. What Ray leaves to the order of its input, the content decides.
bool is_placed_before(const ResourceRequest& left, const ResourceRequest& right) {
  const auto left_key = sort_key(left);
  const auto right_key = sort_key(right);
  if (left_key != right_key) return left_key > right_key;
  if (left.bundle != right.bundle) return left.bundle > right.bundle;
  return left < right;
}

}  // namespace

void Vocabulary::mention(const ResourceRequest& request) {
  for (const auto& [name, units] : request.bundle) mentioned_resources_.insert(name);
  for (const LabelSelector& selector : request.selectors)
    for (const LabelConstraint& constraint : selector) mentioned_labels_.insert(constraint.key);
  for (const PlacementConstraint& constraint : request.placement)
    if (constraint.anti_affinity) mentioned_labels_.insert(constraint.anti_affinity->name);
}

ResourceId Vocabulary::id_of(const std::string& resource) {
  static const std::string k_some_node = "node:";
  const bool of_one_node = resource.starts_with(k_some_node) &&
                           !mentioned_resources_.contains(resource) &&
                           !resource.starts_with(k_implicit_prefix);
  const std::string& name = of_one_node ? k_some_node : resource;
  const auto [entry, added] = ids_.try_emplace(name, static_cast<ResourceId>(ids_.size()));
  if (added) implicit_.push_back(name.starts_with(k_implicit_prefix));
  return entry->second;
}

Amounts Vocabulary::amounts(const ResourceAmounts& from) {
  Amounts amounts;
  amounts.reserve(from.size());
  for (const auto& [name, units] : from) amounts.emplace_back(id_of(name), units);
  std::sort(amounts.begin(), amounts.end());
  return amounts;
}

SharedLabels Vocabulary::labels(const Labels& from) {
  static const SharedLabels k_none = std::make_shared<const Labels>();
  Labels kept;
  for (const auto& [key, value] : from)
    if (mentioned_labels_.contains(key)) kept.emplace(key, value);
  return kept.empty() ? k_none : std::make_shared<const Labels>(std::move(kept));
}

std::vector<Shape> Vocabulary::shapes(const DemandCounts& requests) {
  std::vector<Shape> shapes;
  shapes.reserve(requests.size());
  for (const auto& [request, count] : requests) {
    if (count <= 0) continue;
    Shape shape{&request, amounts(request.bundle), request.bundle.contains("GPU"),
                std::min(count, k_equal_requests_max)};
    std::erase_if(shape.needs, [](const auto& need) { return need.second == 0; });
    shapes.push_back(std::move(shape));
  }
  std::sort(shapes.begin(), shapes.end(), [](const Shape& left, const Shape& right) {
    return is_placed_before(*left.request, *right.request);
  });
  return shapes;
}

const ResourceUnits* find_amount(const Amounts& amounts, ResourceId id) {
  for (const auto& [resource, units] : amounts)
    if (resource == id) return &units;
  return nullptr;
}

int matching_selector(const std::vector<LabelSelector>& selectors, const Labels& labels) {
  for (std::size_t index = 0; index < selectors.size(); ++index) {
    const LabelSelector& selector = selectors[index];
    if (std::all_of(selector.begin(), selector.end(),
                    [&](const LabelConstraint& each) { return holds(each, labels); }))
      return static_cast<int>(index);
  }
  return -1;
}

bool is_repelled(const ResourceRequest& request, const Labels& labels) {
  return std::any_of(request.placement.begin(), request.placement.end(),
                     [&](const PlacementConstraint& constraint) {
                       if (!constraint.anti_affinity) return false;
                       const auto found = labels.find(constraint.anti_affinity->name);
                       return found != labels.end() &&
                              found->second == constraint.anti_affinity->value;
                     });
}

}  // namespace ray_gitops::autoscaler
