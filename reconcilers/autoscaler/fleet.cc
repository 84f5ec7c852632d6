#include "reconcilers/autoscaler/fleet.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/pod_amounts.h"

namespace ray_gitops::autoscaler {
namespace {

using Labels = std::map<std::string, std::string>;

Labels labels_of(const Declaration& declaration) {
  Labels labels;
  const nlohmann::json& document = declaration.document.json();
  const auto metadata = document.find("metadata");
  if (metadata == document.end() || !metadata->is_object()) return labels;
  const auto found = metadata->find("labels");
  if (found == metadata->end() || !found->is_object()) return labels;
  for (const auto& [key, value] : found->items())
    if (value.is_string()) labels[key] = value.get<std::string>();
  return labels;
}

std::string owner_text(const char* what, const std::string& name, const ObjectKey& policy) {
  return std::string(what) + " " + name + " of " + to_string(policy);
}

nlohmann::json amounts_json(const PodAmounts& amounts) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, units] : amounts)
    if (units != 0) json[name] = render_amount(units);
  return json;
}

nlohmann::json tenant_json(const Tenant& tenant) {
  PodAmounts used;
  bool waits = false;
  for (const TenantMember& member : tenant.members) {
    add_amounts(used, member.used);
    waits = waits || !member.wants.empty();
  }
  return {{"name", tenant.name},
          {"clusters", tenant.members.size()},
          {"uses", amounts_json(used)},
          {"waits", waits}};
}

}  // namespace

bool selects(const ClusterSelector& selector, const ObjectKey& cluster, const Labels& labels) {
  if (!selector.namespaces.empty() && !selector.namespaces.contains(cluster.ns)) return false;
  if (!selector.names.empty() && !selector.names.contains(cluster.name)) return false;
  return std::all_of(selector.labels.begin(), selector.labels.end(), [&](const auto& wanted) {
    const auto found = labels.find(wanted.first);
    return found != labels.end() && found->second == wanted.second;
  });
}

bool Fleet::set_policy(const Declaration& declaration) {
  Policy& policy = policies_[declaration.key];
  if (policy.spec_hash == declaration.spec_hash) return false;
  policy = {declaration.spec_hash, std::get<AutoscalerPolicySpec>(declaration.spec), {}, {}};
  for (const ScheduledMinimum& each : policy.spec.schedules) {
    auto cron = schedule::parse_cron(each.start);
    auto zone = schedule::TimeZone::find(each.time_zone);
    if (cron && zone)
      policy.schedules.push_back({each, {*cron, *zone, each.length}, false, {}, {}});
  }
  ++revision_;
  for (auto& [cluster, member] : members_) find_tenant(cluster, member);
  return true;
}

bool Fleet::forget_policy(const ObjectKey& policy) {
  if (policies_.erase(policy) == 0) return false;
  changed_.erase(policy);
  ++revision_;
  for (auto& [cluster, member] : members_) find_tenant(cluster, member);
  return true;
}

void Fleet::find_tenant(const ObjectKey& cluster, Member& member) {
  changed(member);
  member.policy.reset();
  for (const auto& [key, policy] : policies_) {
    const auto& tenants = policy.spec.tenants;
    const auto found = std::find_if(tenants.begin(), tenants.end(), [&](const TenantSpec& tenant) {
      return selects(tenant.clusters, cluster, member.labels);
    });
    if (found == tenants.end()) continue;
    member.policy = key;
    member.tenant = static_cast<std::size_t>(found - tenants.begin());
    return changed(member);
  }
}

void Fleet::changed(const Member& member) {
  if (!member.policy) return;
  const auto policy = policies_.find(*member.policy);
  if (policy == policies_.end()) return;
  policy->second.grants.reset();
  changed_.insert(*member.policy);
}

void Fleet::meet(const Declaration& declaration) {
  const auto [found, is_new] = members_.try_emplace(declaration.key);
  Member& member = found->second;
  if (!is_new && member.spec_hash == declaration.spec_hash) return;
  const auto& spec = std::get<RayClusterSpec>(declaration.spec);
  member.spec_hash = declaration.spec_hash;
  member.labels = labels_of(declaration);
  member.head = pod_amounts(spec.head.pod_template);
  member.charges.clear();
  for (const GroupSpec& group : spec.workers)
    member.charges[group.name] = pod_amounts(group.pod_template);
  find_tenant(declaration.key, member);
}

void Fleet::forget(const ObjectKey& cluster) {
  const auto found = members_.find(cluster);
  if (found == members_.end()) return;
  changed(found->second);
  members_.erase(found);
}

void Fleet::note_pods(const ObjectKey& cluster, const std::map<std::string, std::int64_t>& workers,
                      std::int64_t heads) {
  static const PodAmounts k_unknown{{"pods", k_units_per_whole}};
  Member& member = members_.at(cluster);
  PodAmounts used;
  add_amounts(used, member.head, heads);
  for (const auto& [group, count] : workers) {
    const auto charge = member.charges.find(group);
    add_amounts(used, charge == member.charges.end() ? k_unknown : charge->second, count);
  }
  if (member.used == used) return;
  member.used = std::move(used);
  changed(member);
}

void Fleet::note_wants(const ObjectKey& cluster, std::vector<Want> wants) {
  Member& member = members_.at(cluster);
  if (member.wants == wants) return;
  member.wants = std::move(wants);
  changed(member);
}

const std::map<std::string, PodAmounts>& Fleet::charges(const ObjectKey& cluster) const {
  return members_.at(cluster).charges;
}

std::vector<Tenant> Fleet::tenants_of(const ObjectKey& policy) const {
  std::vector<Tenant> tenants;
  for (const TenantSpec& spec : policies_.at(policy).spec.tenants)
    tenants.push_back({spec.name, spec.quota, spec.weight, {}});
  for (const auto& [cluster, member] : members_)
    if (member.policy == policy)
      tenants[member.tenant].members.push_back({cluster, member.used, member.wants});
  return tenants;
}

std::optional<Allowance> Fleet::allowance(const ObjectKey& cluster) {
  const Member& member = members_.at(cluster);
  if (!member.policy) return std::nullopt;
  Policy& policy = policies_.at(*member.policy);
  if (!policy.grants) policy.grants = share(policy.spec.capacity, tenants_of(*member.policy));
  const TenantSpec& tenant = policy.spec.tenants[member.tenant];
  PodAmounts room = policy.spec.capacity;
  room.insert(tenant.quota.begin(), tenant.quota.end());
  const PodAmounts& granted = (*policy.grants)[cluster];
  for (auto& [name, units] : room) {
    const auto found = granted.find(name);
    units = found == granted.end() ? 0 : found->second;
  }
  return Allowance{std::move(room), owner_text("tenant", tenant.name, *member.policy) +
                                        " may have no more of it now"};
}

// A clock that is set back is asked anew, too.
const Fleet::Schedule& Fleet::look_at(Schedule& schedule, WallTime now) {
  if (schedule.since && *schedule.since <= now && (!schedule.until || now < *schedule.until))
    return schedule;
  schedule.is_open = schedule::is_open(schedule.window, now);
  schedule.since = now;
  schedule.until = schedule::next_change(schedule.window, now);
  return schedule;
}

std::map<std::string, GroupPolicy> Fleet::group_policies(const ObjectKey& cluster, WallTime now) {
  std::map<std::string, GroupPolicy> groups;
  const Labels& labels = members_.at(cluster).labels;
  for (auto& [key, policy] : policies_) {
    for (Schedule& each : policy.schedules) {
      if (!selects(each.minimum.clusters, cluster, labels)) continue;
      GroupPolicy& group = groups[each.minimum.group];
      if (each.minimum.replicas <= group.kept || !look_at(each, now).is_open) continue;
      group.kept = each.minimum.replicas;
      group.kept_by = owner_text("schedule", each.minimum.name, key);
    }
    for (const WarmGroup& each : policy.spec.warm) {
      if (!selects(each.clusters, cluster, labels)) continue;
      GroupPolicy& group = groups[each.group];
      if (each.replicas <= group.warm) continue;
      group.warm = each.replicas;
      group.warm_by = owner_text("warm group", each.name, key);
    }
  }
  return groups;
}

std::optional<WallTime> Fleet::next_change(WallTime now) {
  std::optional<WallTime> next;
  for (auto& [key, policy] : policies_)
    for (Schedule& each : policy.schedules)
      if (const auto change = look_at(each, now).until)
        next = std::min(next.value_or(*change), *change);
  return next;
}

Document Fleet::summary(const ObjectKey& key, WallTime now) {
  const auto policy = policies_.find(key);
  if (policy == policies_.end()) return {};
  nlohmann::json json = nlohmann::json::object();
  for (const Tenant& tenant : tenants_of(key)) json["tenants"].push_back(tenant_json(tenant));
  for (Schedule& each : policy->second.schedules)
    json["schedules"].push_back(
        {{"name", each.minimum.name}, {"holdsNow", look_at(each, now).is_open}});
  return json.empty() ? Document{} : Document{std::move(json)};
}

std::set<ObjectKey> Fleet::take_changed() { return std::exchange(changed_, {}); }

}  // namespace ray_gitops::autoscaler
