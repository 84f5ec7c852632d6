#pragma once
// The message of a status commit.

#include <cstdint>
#include <string>

#include "reconcilers/status/tree.h"

namespace ray_gitops::status {

inline constexpr std::size_t k_transitions_max = 20;

struct MessageInput {
  const StatusFacts* facts = nullptr;
  const Tree* before = nullptr;  // the tree of the parent commit
  std::string intent_id;         // 32 hexadecimal digits: agent, epoch, tree and parent
  std::int64_t lease_epoch = 0;
  std::string instance;  // this process, as the Lease names it
};

// Headline with the results of jobs that are new and counts by phase, one line a transition
// (results first, at most k_transitions_max), "[skip ci]", trailers alone in the last paragraph, so
// that `git log --format=%(trailers)` finds them.
std::string render_message(const MessageInput& input);

}  // namespace ray_gitops::status
