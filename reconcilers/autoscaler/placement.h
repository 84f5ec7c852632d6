#pragma once
// Placing one list of requests: on the nodes that are there, best first, then on new ones.

#include <cstdint>
#include <optional>
#include <vector>

#include "reconcilers/autoscaler/trial.h"

namespace ray_gitops::autoscaler {

// What new nodes may still take.
struct Room {
  PodAmounts left;
  // By type: hosts of replicas that were launched, and paid for, which nothing uses yet.
  std::vector<std::int64_t> paid;
};

// All that a pass works on.
struct Board {
  const SchedulerInput* input = nullptr;
  Vocabulary vocabulary;
  std::vector<Node> fresh;           // one of each type, as it would be launched
  std::vector<Node> nodes;           // in order of arrival; never removed but by undo
  std::vector<std::uint32_t> order;  // Ray's list: indexes into `nodes`
  std::optional<Room> room;
};

// Whether there is room for one more node of the type.
bool has_room(const Board& board, std::size_t type);
// Takes it: with the first host of a replica, for all of them.
void charge(Board& board, std::size_t type);

// A type's maximum less its nodes, the terminating ones included.
std::vector<std::int64_t> room_of(const Board& board);

// Before a list of requests that is placed as a whole or not at all.
struct Undo {
  std::vector<std::uint32_t> order;
  std::size_t nodes = 0;
  std::vector<std::pair<std::uint32_t, Node>> changed;
  std::optional<Room> room;
};
void undo(Board& board, Undo&& before);

// Places what it can (Ray: _try_schedule) and says how many of each shape are left. Requests of the
// shapes must outlive the board.
std::vector<std::int64_t> place(Board& board, const std::vector<Shape>& shapes, Source source,
                                Undo* before = nullptr);

}  // namespace ray_gitops::autoscaler
