#pragma once
// Messages of a Ray head's GCS to values (Ray 2.60, autoscaler.proto). Pure; the bytes may be
// anybody's.

#include <cstddef>
#include <string_view>

#include "reconcilers/model/gcs.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::ray {

// Of one entry of an answer, as bytes. Parsed entries take many times their bytes, so they are
// parsed one at a time. An idle node has 0.5 KiB (seen), a request 0.1 KiB.
constexpr std::size_t k_node_bytes_max = 256UL * 1024;
constexpr std::size_t k_demand_bytes_max = 64UL * 1024;
constexpr std::size_t k_gang_bytes_max = 2UL * 1024 * 1024;        // of k_gang_bundles_max
constexpr std::size_t k_constraint_bytes_max = 2UL * 1024 * 1024;  // of k_demand_shapes_max
constexpr std::size_t k_constraints_max = 16;                      // Ray keeps one
// Of all gangs of an answer together.
constexpr std::size_t k_all_gang_bundles_max = 100'000;

// The reply to the call that `request` is. Fields that we do not know are skipped; a node that is
// not idle has been so for 0 ms; a selector that asks for nothing, which Ray sends with every task,
// is none; gangs and constraints without a request, and requests for none, are left out. Errors:
// LimitExceeded (more of anything than its limit), Unavailable (not understood). Never a part.
Result<GcsReply> decode(const GcsRequest& request, std::string_view message);

}  // namespace ray_gitops::ray
