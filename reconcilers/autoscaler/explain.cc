#include "reconcilers/autoscaler/explain.h"

#include <algorithm>
#include <optional>

namespace ray_gitops::autoscaler {
namespace {

const char* operator_text(LabelOperator op) {
  switch (op) {
    case LabelOperator::In:
      return " in ";
    case LabelOperator::NotIn:
      return " not in ";
    case LabelOperator::Unspecified:
      return " (unknown operator) ";
  }
  return " ";
}

std::string render_selector(const LabelSelector& selector) {
  std::string text;
  for (const LabelConstraint& constraint : selector) {
    if (!text.empty()) text += " and ";
    text += constraint.key + operator_text(constraint.op) + "[";
    for (const std::string& value : constraint.values)
      text += (text.back() == '[' ? "" : ", ") + value;
    text += "]";
  }
  return text;
}

// What of the request the amounts do not hold, in words; nullopt when they do.
std::optional<std::string> lacking(const ResourceAmounts& capacity,
                                   const ResourceRequest& request) {
  for (const auto& [name, units] : request.bundle) {
    if (units == 0 || name.starts_with("node:__internal_implicit_resource_")) continue;
    const auto found = capacity.find(name);
    if (found == capacity.end()) return "has no " + name;
    if (found->second < units)
      return "has " + render_units(found->second) + " " + name + " a pod, " + render_units(units) +
             " are asked for";
  }
  return std::nullopt;
}

struct TypeVerdict {
  std::string reason;
  bool fits_new = false;  // an empty node of the type takes it
};

TypeVerdict judge_type(const Board& board, std::size_t index, const ResourceRequest& request,
                       std::int64_t room) {
  const NodeType& type = board.input->types[index];
  if (const auto lack = lacking(type.capacity, request)) return {type.name + " " + *lack, false};
  if (!request.selectors.empty() && matching_selector(request.selectors, type.labels) < 0)
    return {type.name + " does not have the labels", false};
  if (!type.closed.empty()) return {type.name + " " + type.closed, true};
  if (type.nodes_max <= 0) return {type.name + " has a maximum of 0", true};
  if (room <= 0)
    return {type.name + " is at its maximum of " + std::to_string(type.nodes_max) + " pods", true};
  if (!has_room(board, index)) return {type.name + " waits: " + board.input->room_of, true};
  return {type.name + " is held back by the maximum of the cluster", true};
}

// A running node could hold it if nothing else were there.
bool fits_some_node(const Board& board, const ResourceRequest& request) {
  return std::any_of(board.input->nodes.begin(), board.input->nodes.end(),
                     [&](const SchedulerNode& node) {
                       return node.stage == NodeStage::Running && !lacking(node.total, request) &&
                              (request.selectors.empty() ||
                               matching_selector(request.selectors, node.labels) >= 0);
                     });
}

struct LaunchedFor {
  std::int64_t nodes = 0;
  std::int64_t requests = 0;
  const ResourceRequest* first = nullptr;
  void add(const Placed& placed) {
    ++nodes;
    requests += placed.count;
    if (!first) first = placed.first;
  }
  std::string text(const char* what) const {
    return std::to_string(nodes) + " for " + std::to_string(requests) + what +
           (requests == 1 ? "" : "s") + ", the first of " + render_shape(*first);
  }
};

}  // namespace

std::string minimum_text(const NodeType& type) {
  const std::string pods = std::to_string(std::max(type.nodes_min, type.nodes_kept)) + " pods";
  const bool is_the_files = type.nodes_kept <= type.nodes_min;
  return "a minimum of " + pods + (is_the_files ? "" : " by " + type.kept_by);
}

std::string render_shape(const ResourceRequest& request) {
  std::string text = render_amounts(request.bundle);
  for (std::size_t index = 0; index < request.selectors.size(); ++index)
    text += (index == 0 ? " where " : ", else where ") + render_selector(request.selectors[index]);
  return text;
}

Unplaced explain_unplaced(const Board& board, const std::vector<std::int64_t>& room,
                          const ResourceRequest& request) {
  Unplaced unplaced;
  unplaced.never = true;
  for (std::size_t type = 0; type < room.size(); ++type) {
    const TypeVerdict verdict = judge_type(board, type, request, room[type]);
    unplaced.never = unplaced.never && !verdict.fits_new;
    unplaced.reason += (type == 0 ? "" : "; ") + verdict.reason;
  }
  unplaced.never = unplaced.never && !fits_some_node(board, request);
  if (room.empty()) unplaced.reason = "there is no group that may grow";
  return unplaced;
}

Unplaced explain_group(const Board& board, const std::vector<Shape>& shapes,
                       const std::vector<std::int64_t>& left) {
  for (std::size_t index = 0; index < shapes.size(); ++index) {
    if (left[index] == 0) continue;
    Unplaced unplaced = explain_unplaced(board, room_of(board), *shapes[index].request);
    unplaced.reason = std::to_string(left[index]) + " of " + std::to_string(shapes[index].count) +
                      " of " + render_shape(*shapes[index].request) +
                      " have no place: " + unplaced.reason;
    return unplaced;
  }
  return {"everything has a place", false};
}

std::string explain_launch(const Board& board, int type) {
  LaunchedFor demand;
  LaunchedFor constraint;
  std::int64_t minimum = 0;
  for (const std::uint32_t index : board.order) {
    const Node& node = board.nodes[index];
    if (node.type != type || node.fate != NodeFate::Launched) continue;
    if (node.placed[0].count > 0)
      demand.add(node.placed[0]);
    else if (node.placed[1].count > 0)
      constraint.add(node.placed[1]);
    else
      ++minimum;
  }
  std::string text;
  const auto append = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  if (demand.nodes > 0) append(demand.text(" pending request"));
  if (constraint.nodes > 0) append(constraint.text(" request_resources() bundle"));
  if (minimum > 0) {
    const NodeType& of = board.input->types[static_cast<std::size_t>(type)];
    append(std::to_string(minimum) + " for " + minimum_text(of));
  }
  return text;
}

}  // namespace ray_gitops::autoscaler
