#include "reconcilers/declaration/policy_spec.h"

#include <chrono>
#include <set>

#include "reconcilers/declaration/json_access.h"
#include "reconcilers/manifest/pod_amounts.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

std::set<std::string> strings_at(const Json& json, std::initializer_list<const char*> keys) {
  std::set<std::string> strings;
  for (const Json& each : at_or_null(json, keys)) strings.insert(each.get<std::string>());
  return strings;
}

ClusterSelector selector_of(const Json& entry) {
  const Json& clusters = at_or_null(entry, {"clusters"});
  return {strings_at(clusters, {"namespaces"}), strings_at(clusters, {"names"}),
          texts_at(clusters, {"matchLabels"})};
}

PodAmounts amounts_of(const Json& limits) {
  PodAmounts amounts;
  for (const auto& [name, quantity] : limits.items())
    if (const auto amount = pod_amount(quantity)) amounts[name] = *amount;
  return amounts;
}

TenantSpec tenant_of(const Json& entry) {
  return {.name = text_at(entry, {"name"}),
          .clusters = selector_of(entry),
          .quota = amounts_of(at_or_null(entry, {"quota"})),
          .weight = integer_at(entry, {"weight"}, 1)};
}

ScheduledMinimum schedule_of(const Json& entry) {
  return {.name = text_at(entry, {"name"}),
          .clusters = selector_of(entry),
          .group = text_at(entry, {"group"}),
          .replicas = integer_at(entry, {"minReplicas"}, 0),
          .start = text_at(entry, {"start"}),
          .time_zone = text_at(entry, {"timeZone"}),
          .length = std::chrono::seconds(integer_at(entry, {"durationSeconds"}, 0))};
}

WarmGroup warm_of(const Json& entry) {
  return {.name = text_at(entry, {"name"}),
          .clusters = selector_of(entry),
          .group = text_at(entry, {"group"}),
          .replicas = integer_at(entry, {"replicas"}, 0)};
}

}  // namespace

AutoscalerPolicySpec make_policy_spec(const Json& document) {
  const Json& spec = at_or_null(document, {"spec"});
  AutoscalerPolicySpec policy;
  policy.capacity = amounts_of(at_or_null(spec, {"capacity"}));
  for (const Json& each : at_or_null(spec, {"tenants"})) policy.tenants.push_back(tenant_of(each));
  for (const Json& each : at_or_null(spec, {"schedules"}))
    policy.schedules.push_back(schedule_of(each));
  for (const Json& each : at_or_null(spec, {"warm"})) policy.warm.push_back(warm_of(each));
  return policy;
}

}  // namespace ray_gitops
