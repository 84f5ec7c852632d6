// Planted bugs in what is done for services.
#include <map>
#include <memory>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/manifest/serve_service.h"
#include "tests/simulation/mutants.h"
#include "tests/simulation/service_log.h"

namespace ray_gitops::simulation {
namespace {

using engine::Effect;
using engine::Effects;
using engine::Event;
using engine::SendWrite;
using Json = nlohmann::json;

// The state in a write of a service's anchor.
void change_service_state(SendWrite& write, const std::function<void(Json& state)>& change) {
  if (write.action.verb != Verb::Replace || !write.action.target.name.starts_with("rayservice."))
    return;
  Json body = write.action.body.json();
  Json state = Json::parse(body["data"]["state"].get<std::string>());
  change(state);
  body["data"]["state"] = state.dump();
  write.action.body = Document{std::move(body)};
}

Mutant switches_too_early() {
  return {"leads to a new cluster before it serves", "service_switch",
          change_writes([](SendWrite& write) {
            change_service_state(write, [](Json& state) {
              if (state["clusters"].size() > 1) state["active"] = state["clusters"].back()["name"];
            });
          })};
}

Mutant uses_names_again() {
  return {"forgets how many clusters it has made", "service_names",
          change_writes([](SendWrite& write) {
            change_service_state(write, [](Json& state) {
              if (state["clusters"].size() == 1 && state["made"] > 1) state["made"] = 0;
            });
          })};
}

// A head that has lost it never gets it again; the agent believes that it has.
Mutant puts_once() {
  return {"does not put the configuration again", "end state",
          [](Hooks& hooks) {
            const auto put = std::make_shared<std::set<std::pair<std::string, std::string>>>();
            hooks.change_effects = [put](const Agent&, Effects& effects) {
              for (Effect& effect : effects) {
                auto* ask = std::get_if<engine::AskRay>(&effect);
                if (ask == nullptr || ask->request.verb != RayVerb::PutServe) continue;
                RayRequest& request = ask->request;
                const bool is_first = put->insert({request.cluster, request.config_digest}).second;
                if (!is_first) request.verb = RayVerb::GetVersion;
              }
            };
          },
          "service whose head restarts"};
}

Mutant retires_the_active_one() {
  return {"retires the cluster that serves while another comes up", "deletion", [](Hooks& hooks) {
            const auto children = std::make_shared<std::map<std::string, ObjectMeta>>();
            const auto replaced = std::make_shared<std::set<std::string>>();
            change_events(hooks, [children, replaced](const Agent&, Event& event) {
              visit_views(event, [&](ResourceView& view) {
                const auto* map = std::get_if<ConfigMapView>(&view);
                if (map == nullptr) return;
                if (anchored_parent(*map)) (*children)[map->anchor_name] = map->meta;
                const auto state = anchored_service_state(*map);
                if (state && state->clusters.size() > 1) replaced->insert(state->active);
              });
            });
            hooks.change_effects = [children, replaced](const Agent&, Effects& effects) {
              for (const std::string& name : std::exchange(*replaced, {}))
                if (const auto child = children->extract(name))
                  effects.push_back(planted_delete(child.mapped().key, child.mapped().uid));
            };
          }};
}

// By agent's life: pods of which it believes that it took the label away.
using Unlabelled = std::set<std::pair<std::string, ResourceKey>>;

void pretend_to_unlabel(const Agent& agent, SendWrite& write, Unlabelled& unlabelled) {
  Action& action = write.action;
  if (action.verb != Verb::Apply || action.target.type != ResourceType::Pod) return;
  const Document on = serve_label_body(action.target.name, action.target.ns, true);
  if (action.body == on) {
    unlabelled.erase({agent.client(), action.target});
    return;
  }
  unlabelled.insert({agent.client(), action.target});
  Json body = on.json();
  body["metadata"]["labels"]["simulation/noted"] = "true";  // else nothing would change
  action.body = Document{std::move(body)};
}

Mutant leaves_labels_on() {
  return {"leaves the label on what does not serve", "end state",
          [](Hooks& hooks) {
            const auto unlabelled = std::make_shared<Unlabelled>();
            hooks.change_effects = [unlabelled](const Agent& agent, Effects& effects) {
              for (Effect& effect : effects)
                if (auto* write = std::get_if<SendWrite>(&effect))
                  pretend_to_unlabel(agent, *write, *unlabelled);
            };
            change_events(hooks, [unlabelled](const Agent& agent, Event& event) {
              visit_views(event, [&](ResourceView& view) {
                auto* pod = std::get_if<PodView>(&view);
                if (pod != nullptr && unlabelled->contains({agent.client(), pod->meta.key}))
                  pod->serves = false;
              });
            });
          },
          "service that leaves its head out"};
}

SendWrite planted_unlabel(const ObjectMeta& pod) {
  return planted({.verb = Verb::Apply,
                  .target = pod.key,
                  .body = serve_label_body(pod.key.name, pod.key.ns, false),
                  .preconditions = {pod.uid, {}},
                  .wave = 0,
                  .reason = "planted"});
}

// Whenever the serve Service has changed.
Mutant takes_labels_off() {
  return {"takes all labels off for a moment", "service_gap", [](Hooks& hooks) {
            const auto pods = std::make_shared<std::map<ResourceKey, ObjectMeta>>();
            const auto changed = std::make_shared<bool>(false);
            change_events(hooks, [pods, changed](const Agent&, Event& event) {
              visit_views(event, [&](ResourceView& view) {
                const auto* pod = std::get_if<PodView>(&view);
                if (pod != nullptr && pod->serves) (*pods)[pod->meta.key] = pod->meta;
                const auto* service = std::get_if<ServiceView>(&view);
                if (service != nullptr && service_that_owns("", service->owner_name))
                  *changed = true;
              });
            });
            hooks.change_effects = [pods, changed](const Agent&, Effects& effects) {
              if (!std::exchange(*changed, false)) return;
              for (const auto& [key, pod] : *pods) effects.push_back(planted_unlabel(pod));
            };
          }};
}

}  // namespace

std::vector<Mutant> service_mutants() {
  return {switches_too_early(),     uses_names_again(), puts_once(),
          retires_the_active_one(), leaves_labels_on(), takes_labels_off()};
}

}  // namespace ray_gitops::simulation
