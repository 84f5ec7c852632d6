#include "reconcilers/declaration/policy_rules.h"

#include <cstddef>
#include <set>
#include <string>

#include "reconcilers/declaration/cron_rules.h"
#include "reconcilers/declaration/json_access.h"
#include "reconcilers/declaration/syntax.h"
#include "reconcilers/manifest/pod_amounts.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

constexpr std::size_t k_shown_max = 64;

void check_amounts(const Json& amounts, const Path& path, Findings& findings) {
  for (const auto& [name, quantity] : amounts.items()) {
    if (!is_qualified_name(name))
      findings.error_at_key(Rule::PolicyAmount, path / name,
                            "the resource is `" + printable(name, k_shown_max) + "`",
                            "write cpu, memory, pods, or a name such as nvidia.com/gpu");
    else if (!pod_amount(quantity))
      findings.error(Rule::PolicyAmount, path / name, name + " is negative or too large",
                     "write how much of it may be requested, such as 64 or 256Gi");
  }
}

// Tenants, schedules and warm groups are told apart by name.
void check_names(const Json& list, const Path& path, Findings& findings) {
  std::set<std::string> names;
  for (std::size_t index = 0; index < list.size(); ++index) {
    const std::string name = text_at(list[index], {"name"});
    if (!names.insert(name).second)
      findings.error(Rule::PolicyName, path / index_step(index) / "name",
                     "another one before it is called `" + name + "`", "give it another name");
  }
}

void check_schedules(const Json& schedules, const Path& path, Findings& findings) {
  for (std::size_t index = 0; index < schedules.size(); ++index) {
    const Path each = path / index_step(index);
    check_cron(text_at(schedules[index], {"start"}), each / "start", findings);
    check_time_zone(text_at(schedules[index], {"timeZone"}), each / "timeZone", findings);
  }
}

}  // namespace

void check_policy_spec(const Json& spec, const Path& path, Findings& findings) {
  check_amounts(at_or_null(spec, {"capacity"}), path / "capacity", findings);
  const Json& tenants = at_or_null(spec, {"tenants"});
  for (std::size_t index = 0; index < tenants.size(); ++index)
    check_amounts(at_or_null(tenants[index], {"quota"}),
                  path / "tenants" / index_step(index) / "quota", findings);
  for (const char* list : {"tenants", "schedules", "warm"})
    check_names(at_or_null(spec, {list}), path / list, findings);
  check_schedules(at_or_null(spec, {"schedules"}), path / "schedules", findings);
}

}  // namespace ray_gitops
