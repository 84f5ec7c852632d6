#pragma once
// What pods request of Kubernetes.

#include <optional>

#include <nlohmann/json.hpp>

#include "reconcilers/model/declaration.h"

namespace ray_gitops {

// The quantity of a request or a limit, a string or a number; one beyond k_resource_units_max
// counts as that. nullopt: it is none, or negative.
std::optional<ResourceUnits> pod_amount(const nlohmann::json& quantity);

// What a pod of this template requests in all, as Kubernetes' quotas count it: its containers
// together, or the largest init container where that needs more; a limit is the request where only
// that is written. And one of "pods".
PodAmounts pod_amounts(const Document& pod_template);

// left + right * times, name by name; `times` may be negative, and so may be what comes out.
void add_amounts(PodAmounts& left, const PodAmounts& right, std::int64_t times = 1);

// Whether `room` holds the amounts: a resource that it does not name has no limit, and what is not
// needed fits into a room that is overdrawn.
bool holds(const PodAmounts& room, const PodAmounts& amounts);

// Takes the amounts out of the room, those that it names.
void take_amounts(PodAmounts& room, const PodAmounts& amounts);

}  // namespace ray_gitops
