#include "reconcilers/autoscaler/scheduler.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "reconcilers/autoscaler/explain.h"
#include "reconcilers/autoscaler/limits.h"
#include "reconcilers/autoscaler/placement.h"

namespace ray_gitops::autoscaler {
namespace {

const std::vector<ResourceRequest>& bundles_of(const GangRequest& gang) {
  return gang.bundle_selectors.empty() ? gang.requests : gang.bundle_selectors.front();
}

void mention_all(const SchedulerInput& input, Vocabulary& vocabulary) {
  for (const auto& [request, count] : input.pending) vocabulary.mention(request);
  for (const GangRequest& gang : input.gangs)
    for (const ResourceRequest& request : bundles_of(gang)) vocabulary.mention(request);
  for (const ClusterConstraint& constraint : input.constraints)
    for (const auto& [request, count] : constraint) vocabulary.mention(request);
}

Node fresh_node(const NodeType& type, int index, Vocabulary& vocabulary) {
  Node node;
  node.type = index;
  node.fate = NodeFate::Launched;
  node.total = vocabulary.amounts(type.capacity);
  node.available[0] = node.total;
  node.available[1] = node.total;
  node.labels = vocabulary.labels(type.labels);
  return node;
}

Node present_node(const SchedulerNode& from, int type, Board& board) {
  Node node;
  if (from.stage == NodeStage::Running) {
    node.total = board.vocabulary.amounts(from.total);
    node.available[0] = board.vocabulary.amounts(from.available);
    node.available[1] = node.total;
    node.labels = board.vocabulary.labels(from.labels);
    node.idle = from.idle;
  } else {
    if (type >= 0) node = board.fresh[static_cast<std::size_t>(type)];
    if (type < 0) node.labels = board.vocabulary.labels({});
  }
  node.type = type;
  node.stage = from.stage;
  node.fate = NodeFate::Stays;
  node.head = from.head;
  node.takes_requests = from.takes_requests;
  return node;
}

Board make_board(const SchedulerInput& input) {
  Board board;
  board.input = &input;
  if (input.room) board.room = Room{*input.room, std::vector<std::int64_t>(input.types.size())};
  mention_all(input, board.vocabulary);
  std::map<std::string, int> types;
  for (const NodeType& type : input.types) {
    const int index = static_cast<int>(board.fresh.size());
    types.emplace(type.name, index);
    board.fresh.push_back(fresh_node(type, index, board.vocabulary));
  }
  for (std::size_t index = 0; index < input.nodes.size(); ++index) {
    const SchedulerNode& from = input.nodes[index];
    const auto type = types.find(from.type);
    if (type == types.end() && from.stage == NodeStage::Pending) continue;
    board.nodes.push_back(present_node(from, type == types.end() ? -1 : type->second, board));
    board.nodes.back().input = static_cast<std::int64_t>(index);
  }
  board.order.resize(board.nodes.size());
  std::iota(board.order.begin(), board.order.end(), 0U);
  return board;
}

bool is_complete(const std::vector<std::int64_t>& left) {
  return std::all_of(left.begin(), left.end(), [](std::int64_t count) { return count == 0; });
}

// The nodes that were launched since there were `before` of them, as one batch or each on its own.
void note_launches(const Board& board, std::size_t before, bool together,
                   SchedulerDecision& decision) {
  LaunchBatch batch;
  for (std::size_t index = before; index < board.nodes.size(); ++index) {
    const auto type = static_cast<std::size_t>(board.nodes[index].type);
    ++batch.launches[board.input->types[type].name];
    if (!together) decision.batches.push_back(std::exchange(batch, {}));
  }
  if (!batch.launches.empty()) decision.batches.push_back(std::move(batch));
}

void keep_nodes(Board& board, SchedulerDecision& decision) {
  const std::size_t before = board.nodes.size();
  enforce_kept(board);
  note_launches(board, before, false, decision);
}

void place_constraint(Board& board, SchedulerDecision& decision) {
  if (board.input->constraints.empty()) return;
  const ClusterConstraint& constraint = board.input->constraints.front();
  const std::vector<Shape> shapes = board.vocabulary.shapes(constraint);
  Undo before;
  const auto left = place(board, shapes, Source::Constraint, &before);
  if (is_complete(left)) return note_launches(board, before.nodes, true, decision);
  decision.constraints.push_back({explain_group(board, shapes, left), constraint});
  undo(board, std::move(before));
}

const LabelPair* affinity_of(const ResourceRequest& request) {
  if (request.placement.empty() || !request.placement.front().affinity) return nullptr;
  return &*request.placement.front().affinity;
}

// Bundles that must be together become one request (Ray: combine_requests_with_affinity).
DemandCounts merge_affine(const std::vector<ResourceRequest>& bundles) {
  DemandCounts merged;
  std::map<std::pair<LabelPair, std::vector<LabelSelector>>, ResourceRequest> together;
  for (const ResourceRequest& request : bundles) {
    const LabelPair* affinity = affinity_of(request);
    if (!affinity) {
      ++merged[request];
      continue;
    }
    ResourceRequest& sum = together[{*affinity, request.selectors}];
    for (const auto& [name, units] : request.bundle)
      sum.bundle[name] = add_units(sum.bundle[name], units);
    sum.placement = {PlacementConstraint{std::nullopt, *affinity}};
    sum.selectors = request.selectors;
  }
  for (auto& [key, request] : together) ++merged[std::move(request)];
  return merged;
}

// Bundles that must be together ask for different labels: Ray never places them.
bool splits_affine(const DemandCounts& merged) {
  std::map<LabelPair, int> parts;
  for (const auto& [request, count] : merged)
    if (const LabelPair* affinity = affinity_of(request)) ++parts[*affinity];
  return std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part.second > 1; });
}

// Those with more placement constraints first, then the larger ones (Ray). What Ray leaves to the
// order of its input stays in it.
std::vector<const GangRequest*> in_order_of_planning(const std::vector<GangRequest>& gangs) {
  struct Keyed {
    std::size_t constraints = 0;
    const GangRequest* gang = nullptr;
    bool operator<(const Keyed& other) const {
      if (constraints != other.constraints) return constraints > other.constraints;
      if (gang->requests.size() != other.gang->requests.size())
        return gang->requests.size() > other.gang->requests.size();
      return gang < other.gang;
    }
  };
  std::vector<Keyed> keyed;
  for (const GangRequest& gang : gangs) {
    keyed.push_back({0, &gang});
    for (const ResourceRequest& request : gang.requests)
      keyed.back().constraints += request.placement.size();
  }
  std::sort(keyed.begin(), keyed.end());
  std::vector<const GangRequest*> order;
  order.reserve(keyed.size());
  for (const Keyed& entry : keyed) order.push_back(entry.gang);
  return order;
}

void place_gang(Board& board, const GangRequest& gang, DemandCounts& merged,
                SchedulerDecision& decision) {
  merged = merge_affine(bundles_of(gang));
  if (!board.input->splits_strict_pack && splits_affine(merged)) {
    const std::string reason =
        "its bundles must be on one node, and their label selectors differ: Ray never places it";
    decision.gangs.push_back({{reason, true}, gang});
    return;
  }
  const std::vector<Shape> shapes = board.vocabulary.shapes(merged);
  Undo before;
  const auto left = place(board, shapes, Source::Demand, &before);
  if (is_complete(left)) return note_launches(board, before.nodes, true, decision);
  decision.gangs.push_back({explain_group(board, shapes, left), gang});
  undo(board, std::move(before));
}

// `merged` keeps what is placed: nodes point at it until the pass ends.
void place_gangs(Board& board, std::vector<DemandCounts>& merged, SchedulerDecision& decision) {
  merged.resize(board.input->gangs.size());
  std::size_t index = 0;
  for (const GangRequest* gang : in_order_of_planning(board.input->gangs))
    place_gang(board, *gang, merged[index++], decision);
}

void place_pending(Board& board, SchedulerDecision& decision) {
  const std::vector<Shape> shapes = board.vocabulary.shapes(board.input->pending);
  const std::size_t before = board.nodes.size();
  const auto left = place(board, shapes, Source::Demand);
  note_launches(board, before, false, decision);
  const std::vector<std::int64_t> room = room_of(board);
  for (std::size_t index = 0; index < shapes.size(); ++index) {
    if (left[index] == 0) continue;
    const ResourceRequest& request = *shapes[index].request;
    decision.requests.push_back({explain_unplaced(board, room, request), request, left[index]});
  }
  std::sort(decision.requests.begin(), decision.requests.end(),
            [](const auto& left_one, const auto& right_one) {
              return left_one.request < right_one.request;
            });
}

void tell_launches(const Board& board, SchedulerDecision& decision) {
  std::map<int, std::int64_t> counts;
  for (const std::uint32_t index : board.order)
    if (board.nodes[index].fate == NodeFate::Launched) ++counts[board.nodes[index].type];
  for (const auto& [type, count] : counts)
    decision.launches[board.input->types[static_cast<std::size_t>(type)].name] = {
        count, explain_launch(board, type)};
}

void tell_nodes(const Board& board, const Verdicts& verdicts, SchedulerDecision& decision) {
  for (std::size_t index = 0; index < verdicts.of_input.size(); ++index) {
    const Verdicts::Verdict& verdict = verdicts.of_input[index];
    const std::string& id = board.input->nodes[index].id;
    if (verdict.terminates)
      decision.terminations.push_back({id, verdict.cause, verdict.reason});
    else if (!verdict.reason.empty())
      decision.kept.push_back({id, verdict.reason});
  }
  for (const Node& node : board.nodes) {
    const bool is_pending = node.input >= 0 && node.stage == NodeStage::Pending && !node.head;
    if (is_pending && node.placed[0].count == 0 && node.placed[1].count == 0)
      decision.unneeded.push_back(board.input->nodes[static_cast<std::size_t>(node.input)].id);
  }
}

}  // namespace

const char* name_of(TerminationCause cause) {
  switch (cause) {
    case TerminationCause::MaxNodesPerType:
      return "MAX_NUM_NODE_PER_TYPE";
    case TerminationCause::MaxNodes:
      return "MAX_NUM_NODES";
    case TerminationCause::Idle:
      return "IDLE";
  }
  return "IDLE";
}

SchedulerDecision schedule(const SchedulerInput& input) {
  SchedulerDecision decision;
  Board board = make_board(input);
  Verdicts verdicts;
  verdicts.of_input.resize(input.nodes.size());
  std::vector<DemandCounts> merged;
  enforce_minima(board);
  keep_nodes(board, decision);
  enforce_maxima(board, verdicts);
  place_constraint(board, decision);
  place_gangs(board, merged, decision);
  place_pending(board, decision);
  enforce_idle(board, verdicts);
  tell_launches(board, decision);
  tell_nodes(board, verdicts, decision);
  return decision;
}

}  // namespace ray_gitops::autoscaler
