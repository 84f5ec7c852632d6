// A folder each: what is declared (cluster.yaml, or the one of all cases), what is observed, and
// the plan.

#include "tests/support/golden.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/raycluster/reconcile.h"
#include "tests/support/declared.h"
#include "tests/unit/raycluster/observed_file.h"

namespace ray_gitops::test {
namespace {

namespace fs = std::filesystem;

std::string shown(const Plan& plan, Now now) {
  std::string text = render(plan);
  for (const Condition& condition : plan.conditions)
    text += "condition " + condition.type + " " + (condition.status ? "True" : "False") + " " +
            condition.reason + ": " + condition.message + "\n";
  for (const Action& action : plan.actions) {
    text += "wave " + std::to_string(action.wave) + " " + name_of(action.verb) + " " +
            to_string(action.target);
    if (!action.preconditions.uid.empty()) text += ", uid " + action.preconditions.uid;
    if (!action.preconditions.resource_version.empty())
      text += ", version " + action.preconditions.resource_version;
    if (action.makes_token) text += ", with a token";
    if (action.target.type == ResourceType::ConfigMap && !action.body.is_null())
      text += ", state " + action.body.json().at("data").at("state").get<std::string>();
    text += "\n";
  }
  if (!plan.ray.is_null()) text += "ray " + plan.ray.canonical() + "\n";
  if (plan.next_look_at)
    text +=
        "look again in " + std::to_string((*plan.next_look_at - now.monotonic).count()) + " ms\n";
  return text;
}

Plan plan_of(const World& world, const Declaration& declaration) {
  return world.removed ? raycluster::plan_removal(declaration.key, {}, world.observed, world.now)
                       : raycluster::reconcile(declaration, world.observed, k_agent_id, world.now);
}

TEST(GoldenPlan, is_what_stands_beside_each_world) {
  const fs::path root = "tests/golden/raycluster";
  const auto cases = cases_in(root);
  ASSERT_FALSE(cases.empty());
  for (const fs::path& folder : cases) {
    const bool own = fs::exists(folder / "cluster.yaml");
    const Declaration declaration = declared(read_text((own ? folder : root) / "cluster.yaml"));
    const World world = parse_world(read_text(folder / "observed.yaml"), declaration);
    expect_golden(folder / "plan.txt", shown(plan_of(world, declaration), world.now));
  }
}

}  // namespace
}  // namespace ray_gitops::test
