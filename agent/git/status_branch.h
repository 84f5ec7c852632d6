#pragma once
// The status branch: read back, and published. In the child only.

#include <cstddef>
#include <cstdint>
#include <string>

#include "agent/engine/event.h"
#include "agent/git/cache.h"
#include "agent/git/protocol.h"
#include "agent/git/transport.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::git {

constexpr std::size_t k_status_files_max = 50'000;
constexpr std::uint64_t k_status_bytes_max = 64ULL * 1024 * 1024;

// README.md, summary.json, objects/**, ledger/** and errors/** of a commit that is in the cache,
// and its lease epoch. LimitExceeded past the limits above; Unavailable when the cache is damaged.
Result<engine::StatusTree> read_status(const Cache& cache, const std::string& tip);

// Makes the commit and pushes it: the new tip, or `expected_tip` itself when its tree is the same.
// The expected tip is in the cache. Conflict when the branch has moved or `not_after` has come,
// Rejected when the remote refuses, InvalidInput for paths that no tree may have.
Result<std::string> publish_status(const Link& link, Cache& cache, const PublishRequest& request);

}  // namespace ray_gitops::git
