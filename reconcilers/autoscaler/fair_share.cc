#include "reconcilers/autoscaler/fair_share.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>

#include "reconcilers/manifest/pod_amounts.h"

namespace ray_gitops::autoscaler {
namespace {

// Of `whole`, in the resource that has the largest part used; a resource that it does not name has
// no part.
double dominant_part(const PodAmounts& used, const PodAmounts& whole) {
  double largest = 0;
  for (const auto& [name, units] : whole) {
    const auto found = used.find(name);
    if (found == used.end() || found->second <= 0) continue;
    const auto all = static_cast<double>(std::max<ResourceUnits>(units, 1));
    largest = std::max(largest, static_cast<double>(found->second) / all);
  }
  return largest;
}

PodAmounts used_by(const Tenant& tenant) {
  PodAmounts used;
  for (const TenantMember& member : tenant.members) add_amounts(used, member.used);
  return used;
}

// Of one tenant: whose turn it is among its clusters.
class Queue {
 public:
  Queue(const PodAmounts& capacity, const Tenant& tenant)
      : tenant_(tenant), whole_(tenant.quota), used_(used_by(tenant)), left_(tenant.quota) {
    take_amounts(left_, used_);
    for (const auto& [name, units] : capacity) whole_.try_emplace(name, units);
    for (std::size_t index = 0; index < tenant.members.size(); ++index) {
      turns_.push_back({tenant.members[index].used, 0, 0});
      add(index);
    }
  }

  double part_of(const PodAmounts& capacity) const {
    const PodAmounts& whole = capacity.empty() ? whole_ : capacity;
    return dominant_part(used_, whole) / static_cast<double>(tenant_.weight);
  }

  // The next want that fits is granted; false when none does, now or later: rooms only shrink.
  bool grant(PodAmounts& room, std::map<ObjectKey, PodAmounts>& grants) {
    while (!order_.empty()) {
      const std::size_t index = order_.begin()->second;
      order_.erase(order_.begin());
      const bool granted = grant_to(index, room, grants);
      add(index);
      if (granted) return true;
    }
    return false;
  }

 private:
  struct Turn {
    PodAmounts used;
    std::size_t want = 0;        // the next one, and
    std::int64_t had_of_it = 0;  // how many of it are granted
  };

  void add(std::size_t index) {
    if (turns_[index].want < tenant_.members[index].wants.size())
      order_.insert({dominant_part(turns_[index].used, whole_), index});
  }
  // Passes over what does not fit.
  bool grant_to(std::size_t index, PodAmounts& room, std::map<ObjectKey, PodAmounts>& grants) {
    Turn& turn = turns_[index];
    const Want& want = tenant_.members[index].wants[turn.want];
    const bool fits = holds(room, want.amounts) && holds(left_, want.amounts);
    if (!fits || ++turn.had_of_it >= want.count) {
      ++turn.want;
      turn.had_of_it = 0;
    }
    if (!fits) return false;
    take_amounts(room, want.amounts);
    take_amounts(left_, want.amounts);
    add_amounts(used_, want.amounts);
    add_amounts(turn.used, want.amounts);
    add_amounts(grants[tenant_.members[index].cluster], want.amounts);
    return true;
  }

  const Tenant& tenant_;
  PodAmounts whole_;  // what parts of its clusters are parts of
  PodAmounts used_;
  PodAmounts left_;
  std::vector<Turn> turns_;
  std::set<std::pair<double, std::size_t>> order_;
};

}  // namespace

std::map<ObjectKey, PodAmounts> share(const PodAmounts& capacity,
                                      const std::vector<Tenant>& tenants) {
  std::map<ObjectKey, PodAmounts> grants;
  PodAmounts room = capacity;
  std::vector<Queue> queues;
  std::set<std::pair<double, std::size_t>> order;
  for (const Tenant& tenant : tenants) {
    take_amounts(room, used_by(tenant));
    queues.emplace_back(capacity, tenant);
    order.insert({queues.back().part_of(capacity), queues.size() - 1});
  }
  while (!order.empty()) {
    const std::size_t index = order.begin()->second;
    order.erase(order.begin());
    if (queues[index].grant(room, grants)) order.insert({queues[index].part_of(capacity), index});
  }
  return grants;
}

std::vector<Want> without(std::vector<Want> wants, const std::vector<Want>& granted) {
  for (const Want& each : granted) {
    std::int64_t count = each.count;
    for (Want& want : wants) {
      if (want.amounts != each.amounts) continue;
      const std::int64_t taken = std::min(count, want.count);
      want.count -= taken;
      count -= taken;
    }
  }
  std::erase_if(wants, [](const Want& want) { return want.count == 0; });
  return wants;
}

std::string render_amount(ResourceUnits units) {
  std::string text = std::to_string(units / k_units_per_whole);
  const ResourceUnits rest = units % k_units_per_whole;
  if (rest <= 0) return text;
  std::string digits = std::to_string(k_units_per_whole + rest).substr(1);
  digits.erase(digits.find_last_not_of('0') + 1);
  return text + "." + digits;
}

}  // namespace ray_gitops::autoscaler
