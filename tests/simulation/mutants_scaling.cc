// Planted bugs in what is done for clusters that scale.
#include <memory>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/labels.h"
#include "tests/simulation/mutants.h"
#include "tests/simulation/repository.h"

namespace ray_gitops::simulation {
namespace {

using engine::Effect;
using engine::Effects;
using engine::Event;
using engine::SendWrite;
using Json = nlohmann::json;

using NodeIds = std::set<std::string>;

// The head was never told, and the node works on.
void take_for_drained(Event& event, const NodeIds& asked) {
  auto* answer = std::get_if<engine::GcsAnswered>(&event);
  if (answer == nullptr || !answer->reply) return;
  auto* state = std::get_if<RayResourceState>(&*answer->reply);
  if (state == nullptr) return;
  for (RayNode& node : state->nodes) {
    if (!asked.contains(node.node_id) || node.status == RayNodeStatus::Dead) continue;
    node.status = RayNodeStatus::Draining;
    node.available = node.total;
  }
}

// True for a drain, whose node is noted.
bool is_drain(const Effect& effect, NodeIds& asked) {
  const auto* ask = std::get_if<engine::AskGcs>(&effect);
  const auto* drain = ask == nullptr ? nullptr : std::get_if<DrainRequest>(&ask->request.body);
  if (drain != nullptr) asked.insert(drain->node_id);
  return drain != nullptr;
}

Mutant deletes_without_drain() {
  return {"takes a node for drained that was never asked", "deletion",
          [](Hooks& hooks) {
            const auto asked = std::make_shared<NodeIds>();
            hooks.change_effects = [asked](const Agent&, Effects& effects) {
              std::erase_if(effects,
                            [&](const Effect& effect) { return is_drain(effect, *asked); });
            };
            change_events(hooks,
                          [asked](const Agent&, Event& event) { take_for_drained(event, *asked); });
          },
          "grow and shrink"};
}

bool creates_scaled_worker(const SendWrite& write) {
  if (write.action.verb != Verb::Create || write.action.target.type != ResourceType::Pod)
    return false;
  const Json& pod = write.action.body.json();
  return pod["metadata"]["labels"][labels::k_node_type] == "worker" &&
         pod["spec"].value("restartPolicy", "") == "Never";
}

SendWrite copy_of(const SendWrite& write, int number) {
  Action action = write.action;
  action.target.name += "-" + std::to_string(number);
  Json body = action.body.json();
  body["metadata"]["name"] = action.target.name;
  action.body = Document{std::move(body)};
  return planted(std::move(action));
}

Mutant makes_too_many() {
  return {"makes ten workers where one is wanted", "scaling", [](Hooks& hooks) {
            hooks.change_effects = [](const Agent&, Effects& effects) {
              constexpr int k_copies = 9;
              Effects copies;
              for (const Effect& effect : effects) {
                const auto* write = std::get_if<SendWrite>(&effect);
                if (write == nullptr || !creates_scaled_worker(*write)) continue;
                for (int number = 1; number <= k_copies; ++number)
                  copies.emplace_back(copy_of(*write, number));
              }
              effects.insert(effects.end(), copies.begin(), copies.end());
            };
          }};
}

Mutant reads_another_quota() {
  return {"reads another quota than is written", "quota",
          [](Hooks& hooks) {
            change_events(hooks, [](const Agent&, Event& event) {
              auto* loaded = std::get_if<engine::CommitLoaded>(&event);
              if (loaded == nullptr || !loaded->tree) return;
              for (engine::SourceFile& file : loaded->tree->files)
                if (file.path == k_policy_path && file.content)
                  file.content->replace(file.content->find("pods: 3"), 7, "pods: 9");
            });
          },
          "grow under a quota"};
}

}  // namespace

std::vector<Mutant> scaling_mutants() {
  std::vector<Mutant> all;
  all.push_back(deletes_without_drain());
  all.push_back(makes_too_many());
  all.push_back(reads_another_quota());
  return all;
}

}  // namespace ray_gitops::simulation
