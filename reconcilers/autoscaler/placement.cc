#include "reconcilers/autoscaler/placement.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "reconcilers/manifest/pod_amounts.h"

namespace ray_gitops::autoscaler {
namespace {

std::size_t mix(std::size_t seed, std::size_t value) {
  return seed ^ (value + 0x9e3779b97f4a7c15ULL + (seed << 6U) + (seed >> 2U));
}

// Nodes between which the requests of one source cannot tell.
struct Likeness {
  const std::vector<Node>* nodes;
  std::size_t source;

  std::size_t operator()(std::uint32_t index) const {
    const Node& node = (*nodes)[index];
    std::size_t seed = mix(static_cast<std::size_t>(node.type), node.labels->size());
    for (const Amounts* amounts : {&node.total, &node.available[source]})
      for (const auto& [id, units] : *amounts)
        seed = mix(seed, std::hash<std::int64_t>{}(units) + id);
    return seed;
  }
  bool operator()(std::uint32_t left_index, std::uint32_t right_index) const {
    const Node& left = (*nodes)[left_index];
    const Node& right = (*nodes)[right_index];
    const Placed& mine = left.placed[source];
    const Placed& other = right.placed[source];
    return left.type == right.type && left.stage == right.stage && left.total == right.total &&
           left.available[source] == right.available[source] && *left.labels == *right.labels &&
           mine.resources == other.resources && mine.mentions_gpu == other.mentions_gpu &&
           mine.label_rank == other.label_rank;
  }
};

// A node that is there (the first of those like it), or the next new one of a type.
struct Candidate {
  const Node* node = nullptr;
  std::vector<std::uint32_t> like;  // positions in the list of existing nodes, last first
  std::int64_t left = 0;            // how many more of a type may be launched
  std::uint32_t turn = 0;           // breaks ties: the lower first
  Trial trial;
};

// Candidates by rank. A candidate is tried again only when what it would take has run short.
class Ranking {
 public:
  Ranking(const std::vector<Shape>& shapes, std::vector<std::int64_t>& remaining,
          const TrialRules& rules)
      : shapes_(shapes), remaining_(remaining), rules_(rules), users_(shapes.size()) {}

  void add(Candidate* candidate) {
    candidate->trial = try_on(*candidate->node, shapes_, remaining_, rules_);
    if (candidate->trial.taken.empty()) return;
    insert(candidate);
  }
  // Another like one that took the trial's requests, which nobody has taken anything of since.
  void add_alike(Candidate* candidate, Trial trial) {
    const bool affordable =
        std::all_of(trial.taken.begin(), trial.taken.end(),
                    [&](const auto& each) { return each.second <= remaining_[each.first]; });
    if (!affordable) return add(candidate);
    candidate->trial = std::move(trial);
    insert(candidate);
  }
  // The best, taken out of the ranking; nullptr when nobody takes anything.
  Candidate* take_best() {
    if (ranked_.empty()) return nullptr;
    Candidate* best = *ranked_.begin();
    remove(best);
    return best;
  }
  // Its requests are placed; those who counted on them are tried again.
  void settle(const Trial& trial) {
    for (const auto& [shape, count] : trial.taken) remaining_[shape] -= count;
    for (const auto& [shape, count] : trial.taken) try_again(shape);
  }

 private:
  struct Order {
    bool operator()(const Candidate* left, const Candidate* right) const {
      if (is_better(left->trial.rank, right->trial.rank)) return true;
      if (is_better(right->trial.rank, left->trial.rank)) return false;
      return left->turn < right->turn;
    }
  };
  struct Greediest {
    using Use = std::pair<std::int64_t, Candidate*>;
    bool operator()(const Use& left, const Use& right) const {
      return std::pair(left.first, left.second->turn) > std::pair(right.first, right.second->turn);
    }
  };

  void insert(Candidate* candidate) {
    ranked_.insert(candidate);
    for (const auto& [shape, count] : candidate->trial.taken)
      users_[shape].emplace(count, candidate);
  }
  void remove(Candidate* candidate) {
    ranked_.erase(candidate);
    for (const auto& [shape, count] : candidate->trial.taken)
      users_[shape].erase({count, candidate});
  }
  void try_again(std::uint32_t shape) {
    std::set<Greediest::Use, Greediest>& users = users_[shape];
    while (!users.empty() && users.begin()->first > remaining_[shape]) {
      Candidate* candidate = users.begin()->second;
      remove(candidate);
      add(candidate);
    }
  }

  const std::vector<Shape>& shapes_;
  std::vector<std::int64_t>& remaining_;
  const TrialRules& rules_;
  std::set<Candidate*, Order> ranked_;
  std::vector<std::set<Greediest::Use, Greediest>> users_;
};

void apply(Node& node, Trial trial, Source source) {
  const auto index = static_cast<std::size_t>(source);
  node.available[index] = std::move(trial.available);
  node.labels = std::move(trial.labels);
  node.placed[index] = std::move(trial.placed);
}

class Placement {
 public:
  Placement(Board& board, const std::vector<Shape>& shapes, Source source, Undo* before)
      : board_(board),
        shapes_(shapes),
        before_(before),
        rules_{source, board.input->conserve_gpu_nodes, &board.vocabulary, &board.input->types} {
    for (const Shape& shape : shapes) remaining_.push_back(shape.count);
  }

  std::vector<std::int64_t> run() {
    if (before_) *before_ = {board_.order, board_.nodes.size(), {}, board_.room};
    if (any_left()) fill_existing();
    if (any_left()) fill_new();
    return remaining_;
  }

 private:
  bool any_left() const {
    return std::any_of(remaining_.begin(), remaining_.end(),
                       [](std::int64_t count) { return count > 0; });
  }
  bool takes_requests(const Node& node) const {
    if (node.stage == NodeStage::Leaving || !node.takes_requests) return false;
    return node.fate != NodeFate::Terminates || board_.input->plans_on_terminating;
  }

  // Ray leaves out running nodes that hold no shape at all: they end up last in its list.
  std::vector<Candidate> classes(std::vector<bool>& exhausted) const {
    const Likeness likeness{&board_.nodes, static_cast<std::size_t>(rules_.source)};
    std::unordered_map<std::uint32_t, std::size_t, Likeness, Likeness> known(board_.order.size(),
                                                                             likeness, likeness);
    std::vector<Candidate> found;
    std::vector<bool> useless;
    for (std::uint32_t position = 0; position < board_.order.size(); ++position) {
      const Node& node = board_.nodes[board_.order[position]];
      if (!takes_requests(node)) continue;
      const auto [entry, added] = known.try_emplace(board_.order[position], found.size());
      if (added) {
        found.push_back({&node, {}, 0, position, {}});
        useless.push_back(!may_take(node, shapes_, rules_));
      }
      if (useless[entry->second] && node.stage == NodeStage::Running) exhausted[position] = true;
      if (!useless[entry->second]) found[entry->second].like.push_back(position);
    }
    std::erase_if(found, [](const Candidate& candidate) { return candidate.like.empty(); });
    for (Candidate& candidate : found) std::reverse(candidate.like.begin(), candidate.like.end());
    return found;
  }

  void fill_existing() {
    std::vector<bool> exhausted(board_.order.size());
    std::vector<Candidate> candidates = classes(exhausted);
    Ranking ranking(shapes_, remaining_, rules_);
    for (Candidate& candidate : candidates) ranking.add(&candidate);
    std::vector<std::uint32_t> used;
    Candidate* best = nullptr;
    while (any_left() && (best = ranking.take_best())) {
      used.push_back(best->turn);
      take_existing(*best, ranking);
    }
    reorder(used, exhausted);
  }
  // The next one like it takes its place, if there is one.
  void take_existing(Candidate& candidate, Ranking& ranking) {
    const std::uint32_t index = board_.order[candidate.like.back()];
    Node& node = board_.nodes[index];
    if (before_) before_->changed.emplace_back(index, node);
    apply(node, candidate.trial, rules_.source);
    candidate.like.pop_back();
    Trial trial = std::move(candidate.trial);
    ranking.settle(trial);
    if (candidate.like.empty()) return;
    candidate.turn = candidate.like.back();
    candidate.node = &board_.nodes[board_.order[candidate.turn]];
    ranking.add_alike(&candidate, std::move(trial));
  }
  // Used ones first, as they were used; the exhausted last.
  void reorder(const std::vector<std::uint32_t>& used, const std::vector<bool>& exhausted) {
    std::vector<bool> is_used(board_.order.size());
    std::vector<std::uint32_t> order;
    order.reserve(board_.order.size());
    for (const std::uint32_t position : used) {
      is_used[position] = true;
      order.push_back(board_.order[position]);
    }
    for (const bool last : {false, true})
      for (std::size_t position = 0; position < board_.order.size(); ++position)
        if (!is_used[position] && exhausted[position] == last)
          order.push_back(board_.order[position]);
    board_.order = std::move(order);
  }

  void fill_new() {
    const std::vector<std::int64_t> room = room_of(board_);
    std::vector<Candidate> candidates(room.size());
    Ranking ranking(shapes_, remaining_, rules_);
    std::uint32_t turn = 0;
    for (std::size_t type = 0; type < room.size(); ++type) {
      if (room[type] <= 0) continue;
      candidates[type] = {&board_.fresh[type], {}, room[type], turn++, {}};
      ranking.add(&candidates[type]);
    }
    Candidate* best = nullptr;
    while (any_left() && !is_full() && (best = ranking.take_best())) {
      if (has_room(board_, type_of(*best))) launch(*best, ranking, turn++);
    }
  }
  bool is_full() const {
    const auto& most = board_.input->nodes_max;
    return most && static_cast<std::int64_t>(board_.order.size()) >= *most;
  }
  static std::size_t type_of(const Candidate& candidate) {
    return static_cast<std::size_t>(candidate.node->type);
  }
  // The type's next one comes after all other types of the same rank.
  void launch(Candidate& candidate, Ranking& ranking, std::uint32_t next_turn) {
    board_.order.push_back(static_cast<std::uint32_t>(board_.nodes.size()));
    board_.nodes.push_back(*candidate.node);
    charge(board_, type_of(candidate));
    apply(board_.nodes.back(), candidate.trial, rules_.source);
    Trial trial = std::move(candidate.trial);
    ranking.settle(trial);
    candidate.turn = next_turn;
    if (--candidate.left > 0) ranking.add_alike(&candidate, std::move(trial));
  }

  Board& board_;
  const std::vector<Shape>& shapes_;
  Undo* before_;
  TrialRules rules_;
  std::vector<std::int64_t> remaining_;
};

}  // namespace

std::vector<std::int64_t> room_of(const Board& board) {
  std::vector<std::int64_t> room;
  room.reserve(board.input->types.size());
  for (const NodeType& type : board.input->types) room.push_back(type.nodes_max);
  for (const std::uint32_t index : board.order) {
    const int type = board.nodes[index].type;
    if (type >= 0) --room[static_cast<std::size_t>(type)];
  }
  for (std::size_t type = 0; type < room.size(); ++type)
    if (!board.input->types[type].closed.empty()) room[type] = 0;
  return room;
}

bool has_room(const Board& board, std::size_t type) {
  if (!board.room || board.room->paid[type] > 0) return true;
  return holds(board.room->left, board.input->types[type].charge);
}

void charge(Board& board, std::size_t type) {
  if (!board.room) return;
  if (board.room->paid[type]-- > 0) return;
  take_amounts(board.room->left, board.input->types[type].charge);
  board.room->paid[type] = board.input->types[type].hosts - 1;
}

void undo(Board& board, Undo&& before) {
  for (auto entry = before.changed.rbegin(); entry != before.changed.rend(); ++entry)
    board.nodes[entry->first] = std::move(entry->second);
  board.nodes.resize(before.nodes);
  board.order = std::move(before.order);
  board.room = std::move(before.room);
}

std::vector<std::int64_t> place(Board& board, const std::vector<Shape>& shapes, Source source,
                                Undo* before) {
  return Placement(board, shapes, source, before).run();
}

}  // namespace ray_gitops::autoscaler
