#pragma once
// What a pass does besides placing: minima, maxima and idle nodes.

#include <string>
#include <vector>

#include "reconcilers/autoscaler/placement.h"

namespace ray_gitops::autoscaler {

// What the limits say of the input's nodes, by their index; an empty reason says nothing.
struct Verdicts {
  struct Verdict {
    bool terminates = false;
    TerminationCause cause = TerminationCause::Idle;
    std::string reason;
  };
  std::vector<Verdict> of_input;
};

// New nodes up to each type's minimum, before all others in the list. Nodes that leave hold their
// places below the maximum until they are gone.
void enforce_minima(Board& board);
// Likewise up to nodes_kept, one by one while there is room.
void enforce_kept(Board& board);
// Terminates what is beyond a type's maximum or the whole's: units that do not run yet first, then
// the longest idle, then the least used. Never the head.
void enforce_maxima(Board& board, Verdicts& verdicts);
// Terminates what is idle for longer than its timeout, with no request placed on it, and not part
// of its type's minimum. Says of every other running worker why it stays.
void enforce_idle(Board& board, Verdicts& verdicts);

}  // namespace ray_gitops::autoscaler
