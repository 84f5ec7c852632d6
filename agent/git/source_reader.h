#pragma once
// Reads the watched folder of one commit. In the child only.

#include <cstddef>
#include <cstdint>

#include "agent/engine/event.h"
#include "agent/git/cache.h"
#include "agent/git/protocol.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::git {

constexpr std::size_t k_source_file_bytes_max = 1024UL * 1024;
// Of a source: past these nothing of it is read.
constexpr std::size_t k_source_files_max = 20'000;
constexpr std::uint64_t k_source_bytes_max = 64ULL * 1024 * 1024;
constexpr std::size_t k_commit_message_bytes_max = 64UL * 1024;

// The answer to `request`, for a commit that is in the cache. NotFound when the commit has no such
// folder, LimitExceeded past a budget of the source, InvalidInput for an impossible folder,
// Unavailable when the cache is damaged.
Result<engine::SourceTree> read_source(const Cache& cache, const LoadRequest& request);

}  // namespace ray_gitops::git
