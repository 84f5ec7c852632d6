#pragma once
// Who may have how much, when clusters want more than there is.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "reconcilers/autoscaler/planner.h"
#include "reconcilers/model/declaration.h"
#include "reconcilers/model/object_key.h"

namespace ray_gitops::autoscaler {

// A cluster of a tenant.
struct TenantMember {
  ObjectKey cluster;
  PodAmounts used;          // by what is there or decided
  std::vector<Want> wants;  // more, most wanted first
};

struct Tenant {
  std::string name;
  PodAmounts quota;  // a resource that is not named has no limit
  std::int64_t weight = 1;
  std::vector<TenantMember> members;  // in order of cluster
};

// What each cluster may have more than it uses; nothing for those that are not in it. Each tenant
// stays within its quota, and all together within the capacity. A want is granted as a whole or not
// at all. What is left goes, want by want, to the tenant that has the smallest part of the capacity
// for its weight, in whatever resource it has most of (dominant resource fairness); of a tenant's
// clusters, to the one that has the smallest part. Where one want does not fit, later ones of the
// same cluster may. The order of tenants breaks ties.
std::map<ObjectKey, PodAmounts> share(const PodAmounts& capacity,
                                      const std::vector<Tenant>& tenants);

// `wants` without those of `granted`, alike for alike.
std::vector<Want> without(std::vector<Want> wants, const std::vector<Want>& granted);

// "2.5", "8", of any resource: bytes stay bytes.
std::string render_amount(ResourceUnits units);

}  // namespace ray_gitops::autoscaler
