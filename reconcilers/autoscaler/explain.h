#pragma once
// Sentences about what was launched and what was not placed.

#include <cstdint>
#include <string>
#include <vector>

#include "reconcilers/autoscaler/placement.h"

namespace ray_gitops::autoscaler {

// "{'CPU': 1.0}", with its label selectors when it has some.
std::string render_shape(const ResourceRequest& request);

// Why no new node of any type takes the request, and whether one ever could: capacities and labels
// of the types, and of the nodes that are there.
// `room` is room_of(board).
Unplaced explain_unplaced(const Board& board, const std::vector<std::int64_t>& room,
                          const ResourceRequest& request);

// Why the requests, each of which may well fit somewhere, do not fit all at once.
Unplaced explain_group(const Board& board, const std::vector<Shape>& shapes,
                       const std::vector<std::int64_t>& left);

// "a minimum of 3 pods", and by whose word when it is not the file's.
std::string minimum_text(const NodeType& type);

// What the launched nodes of a type are for: "3 for 3 pending requests, the first of {'CPU': 1.0}".
std::string explain_launch(const Board& board, int type);

}  // namespace ray_gitops::autoscaler
