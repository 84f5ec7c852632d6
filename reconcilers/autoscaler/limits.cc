#include "reconcilers/autoscaler/limits.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "reconcilers/autoscaler/explain.h"

namespace ray_gitops::autoscaler {
namespace {

// Nodes that leave together: indexes into the board's nodes.
struct Unit {
  std::vector<std::uint32_t> members;
  std::tuple<bool, std::int64_t, double> key;  // lower leaves first
  std::size_t place = 0;                       // in the list, among equals
};

bool is_live(const Node& node) {
  return node.stage != NodeStage::Leaving && node.fate != NodeFate::Terminates;
}

double mean_utilization(const Node& node) {
  double sum = 0;
  int count = 0;
  for (const auto& [id, total] : node.total) {
    if (total <= 0) continue;
    const ResourceUnits* available = find_amount(node.available[0], id);
    const double whole = from_units(total);
    sum += (whole - (available ? from_units(*available) : 0)) / whole;
    ++count;
  }
  return count == 0 ? 0 : sum / count;
}

// Ray: _sort_nodes_for_termination.
auto termination_key(const Node& node) {
  return std::tuple(node.stage == NodeStage::Running, -node.idle.count(), mean_utilization(node));
}

std::string unit_name(const Board& board, std::uint32_t index) {
  const std::int64_t input = board.nodes[index].input;
  return input < 0 ? std::string{} : board.input->nodes[static_cast<std::size_t>(input)].unit;
}

// In order of the list, then by key. The head is none of them.
std::vector<Unit> units_by_key(const Board& board, const std::vector<std::uint32_t>& indexes) {
  std::vector<Unit> units;
  std::map<std::string, std::size_t> named;
  for (const std::uint32_t index : indexes) {
    const Node& node = board.nodes[index];
    if (node.head) continue;
    const std::string name = unit_name(board, index);
    const auto [entry, added] = named.try_emplace(name, units.size());
    if (added || name.empty()) units.push_back({{}, termination_key(node), units.size()});
    Unit& unit = name.empty() ? units.back() : units[entry->second];
    if (name.empty() && added) named.erase(entry);
    unit.members.push_back(index);
    unit.key = std::max(unit.key, termination_key(node));
  }
  std::sort(units.begin(), units.end(), [](const Unit& left, const Unit& right) {
    return std::tie(left.key, left.place) < std::tie(right.key, right.place);
  });
  return units;
}

Verdicts::Verdict* verdict_of(const Node& node, Verdicts& verdicts) {
  return node.input < 0 ? nullptr : &verdicts.of_input[static_cast<std::size_t>(node.input)];
}

void terminate(Node& node, TerminationCause cause, const std::string& reason, Verdicts& verdicts) {
  node.fate = NodeFate::Terminates;
  if (Verdicts::Verdict* verdict = verdict_of(node, verdicts)) *verdict = {true, cause, reason};
}

struct Selection {
  std::int64_t extra = 0;
  TerminationCause cause = TerminationCause::MaxNodes;
  std::string reason;
};

// Splits the list into what terminates and what remains, as Ray leaves it: sorted, the head last.
void select(Board& board, std::vector<std::uint32_t>& indexes, const Selection& selection,
            std::vector<std::uint32_t>& terminating, Verdicts& verdicts) {
  std::vector<std::uint32_t> heads;
  for (const std::uint32_t index : indexes)
    if (board.nodes[index].head) heads.push_back(index);
  const std::vector<Unit> units = units_by_key(board, indexes);
  indexes.clear();
  std::int64_t extra = selection.extra;
  for (const Unit& unit : units) {
    for (const std::uint32_t index : unit.members) {
      if (extra > 0) terminate(board.nodes[index], selection.cause, selection.reason, verdicts);
      (extra > 0 ? terminating : indexes).push_back(index);
    }
    extra -= static_cast<std::int64_t>(unit.members.size());
  }
  indexes.insert(indexes.end(), heads.begin(), heads.end());
}

void split_live(const Board& board, std::vector<std::uint32_t>& live,
                std::vector<std::uint32_t>& terminating) {
  for (const std::uint32_t index : board.order)
    (is_live(board.nodes[index]) ? live : terminating).push_back(index);
}

void enforce_maxima_of_types(Board& board, Verdicts& verdicts) {
  std::vector<std::uint32_t> live;
  std::vector<std::uint32_t> order;
  split_live(board, live, order);
  std::vector<int> types;  // in order of first appearance
  std::map<int, std::vector<std::uint32_t>> by_type;
  for (const std::uint32_t index : live) {
    const int type = board.nodes[index].type;
    if (!by_type.contains(type)) types.push_back(type);
    by_type[type].push_back(index);
  }
  for (const int type : types) {
    const std::int64_t most =
        type < 0 ? 0 : board.input->types[static_cast<std::size_t>(type)].nodes_max;
    const std::int64_t extra = static_cast<std::int64_t>(by_type[type].size()) - most;
    if (extra <= 0) continue;
    const std::string reason = type < 0
                                   ? "its group is not in the file"
                                   : "the group has a maximum of " + std::to_string(most) + " pods";
    select(board, by_type[type], {extra, TerminationCause::MaxNodesPerType, reason}, order,
           verdicts);
  }
  for (const int type : types) {
    const auto& rest = by_type[type];
    order.insert(order.end(), rest.begin(), rest.end());
  }
  board.order = std::move(order);
}

void enforce_maximum_of_all(Board& board, Verdicts& verdicts) {
  const std::int64_t most = board.input->nodes_max.value_or(0);
  std::vector<std::uint32_t> live;
  std::vector<std::uint32_t> order;
  split_live(board, live, order);
  const std::int64_t extra = static_cast<std::int64_t>(live.size()) - most;
  if (most <= 0 || extra <= 0) return;
  const std::string reason =
      "the cluster has a maximum of " + std::to_string(most) + " pods, its head included";
  select(board, live, {extra, TerminationCause::MaxNodes, reason}, order, verdicts);
  order.insert(order.end(), live.begin(), live.end());
  board.order = std::move(order);
}

std::string seconds(Duration duration) { return std::to_string(duration.count() / 1000) + " s"; }

std::string placed_text(const Placed& placed) {
  return std::to_string(placed.count) + (placed.count == 1 ? " request" : " requests") +
         ", the first of " + render_amounts(placed.first->bundle);
}

struct IdleRules {
  const Board& board;
  std::optional<Duration> timeout(const Node& node) const {
    if (node.type >= 0 && type_of(node).idle_timeout) return type_of(node).idle_timeout;
    return board.input->idle_timeout;
  }
  const NodeType& type_of(const Node& node) const {
    return board.input->types[static_cast<std::size_t>(node.type)];
  }
  // Why the node stays, or empty.
  std::string needed(const Node& node) const {
    const std::optional<Duration> limit = timeout(node);
    if (!limit) return "idle pods are kept: there is no idle timeout";
    if (node.stage != NodeStage::Running) return "it is no Ray node yet";
    if (node.idle.count() == 0) return "it is in use";
    if (!is_idle_for_long(node.idle, *limit))
      return "idle for " + seconds(node.idle) + " of " + seconds(*limit);
    if (node.placed[0].count > 0) return "it is needed for " + placed_text(node.placed[0]);
    if (node.placed[1].count > 0)
      return "request_resources() asks for it: " + placed_text(node.placed[1]);
    return {};
  }
};

std::map<int, std::int64_t> live_by_type(const Board& board) {
  std::map<int, std::int64_t> count;
  for (const std::uint32_t index : board.order)
    if (is_live(board.nodes[index])) ++count[board.nodes[index].type];
  return count;
}

// Why no fewer than one more than `left` may stay; or empty.
std::string minimum_needs(const NodeType& type, std::int64_t left) {
  if (left >= std::max(type.nodes_min, type.nodes_kept)) return {};
  return "the group has " + minimum_text(type);
}

void keep(const Unit& unit, const std::string& reason, Board& board, Verdicts& verdicts) {
  for (const std::uint32_t index : unit.members)
    if (Verdicts::Verdict* verdict = verdict_of(board.nodes[index], verdicts))
      verdict->reason = reason;
}

// Of the first member that is needed, which holds the others.
std::string unit_needed(const Unit& unit, const IdleRules& rules, const Board& board) {
  for (const std::uint32_t index : unit.members) {
    const std::string reason = rules.needed(board.nodes[index]);
    if (reason.empty()) continue;
    return unit.members.size() == 1 ? reason : "a host of its replica stays: " + reason;
  }
  return {};
}

// How many nodes each type lacks to have so many. Ray does not look at the maximum here; it has no
// leaving nodes either.
std::vector<std::int64_t> missing_of(const Board& board, std::int64_t NodeType::* least) {
  std::map<int, std::int64_t> live = live_by_type(board);
  std::vector<std::int64_t> missing = room_of(board);
  for (std::size_t type = 0; type < missing.size(); ++type)
    missing[type] =
        std::min(missing[type], board.input->types[type].*least - live[static_cast<int>(type)]);
  return missing;
}

void add_fresh(Board& board, std::size_t type, std::vector<std::uint32_t>& order) {
  order.push_back(static_cast<std::uint32_t>(board.nodes.size()));
  board.nodes.push_back(board.fresh[type]);
}

void put_first(Board& board, std::vector<std::uint32_t>&& order) {
  order.insert(order.end(), board.order.begin(), board.order.end());
  board.order = std::move(order);
}

}  // namespace

void enforce_minima(Board& board) {
  std::vector<std::uint32_t> order;
  const std::vector<std::int64_t> missing = missing_of(board, &NodeType::nodes_min);
  for (std::size_t type = 0; type < missing.size(); ++type)
    for (std::int64_t count = 0; count < missing[type]; ++count) add_fresh(board, type, order);
  put_first(board, std::move(order));
}

void enforce_kept(Board& board) {
  std::vector<std::uint32_t> order;
  const std::vector<std::int64_t> missing = missing_of(board, &NodeType::nodes_kept);
  for (std::size_t type = 0; type < missing.size(); ++type) {
    for (std::int64_t count = 0; count < missing[type] && has_room(board, type); ++count) {
      charge(board, type);
      add_fresh(board, type, order);
    }
  }
  put_first(board, std::move(order));
}

void enforce_maxima(Board& board, Verdicts& verdicts) {
  enforce_maxima_of_types(board, verdicts);
  enforce_maximum_of_all(board, verdicts);
}

void enforce_idle(Board& board, Verdicts& verdicts) {
  std::map<int, std::int64_t> live = live_by_type(board);
  std::vector<std::uint32_t> workers;
  for (const std::uint32_t index : board.order)
    if (is_live(board.nodes[index]) && board.nodes[index].fate == NodeFate::Stays)
      workers.push_back(index);
  const IdleRules rules{board};
  for (const Unit& unit : units_by_key(board, workers)) {
    const Node& first = board.nodes[unit.members.front()];
    const auto size = static_cast<std::int64_t>(unit.members.size());
    std::string reason = unit_needed(unit, rules, board);
    if (reason.empty() && first.type >= 0)
      reason = minimum_needs(rules.type_of(first), live[first.type] - size);
    if (!reason.empty()) {
      keep(unit, reason, board, verdicts);
      continue;
    }
    live[first.type] -= size;
    for (const std::uint32_t index : unit.members) {
      Node& node = board.nodes[index];
      terminate(node, TerminationCause::Idle,
                "idle for " + seconds(node.idle) + ", longer than " + seconds(*rules.timeout(node)),
                verdicts);
    }
  }
}

}  // namespace ray_gitops::autoscaler
