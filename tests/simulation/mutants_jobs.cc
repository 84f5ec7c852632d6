// Planted bugs in what is done for jobs.
#include <map>
#include <memory>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/status/ledger.h"
#include "tests/simulation/mutants.h"

namespace ray_gitops::simulation {
namespace {

using engine::Effect;
using engine::Effects;
using engine::Event;
using engine::SendWrite;
using Json = nlohmann::json;

void visit_anchors(Event& event, const std::function<void(ConfigMapView&)>& visit) {
  visit_views(event, [&](ResourceView& view) {
    if (auto* map = std::get_if<ConfigMapView>(&view)) visit(*map);
  });
}

// By agent's life and anchor: what is only in its memory, and what was written instead.
struct Pretended {
  std::string state;
  std::string written;
};
using Memory = std::map<std::pair<std::string, std::string>, Pretended>;

// The anchor keeps saying that nothing was submitted; the agent believes that it has saved it.
void pretend_to_save(const Agent& agent, SendWrite& write, Memory& memory) {
  if (write.action.verb != Verb::Replace || !write.action.target.name.starts_with("rayjob."))
    return;
  Json body = write.action.body.json();
  const std::string state = body["data"]["state"];
  Json changed = Json::parse(state);
  if (changed["stage"] != name_of(JobStage::Submitting)) return;
  changed["stage"] = name_of(JobStage::Waiting);
  for (const char* member : {"submissionId", "headUid", "session"}) changed[member] = "";
  body["data"]["state"] = changed.dump();
  write.action.body = Document{std::move(body)};
  memory[{agent.client(), write.action.target.name}] = {state, changed.dump()};
}

Mutant submits_unsaved() {
  return {"submits what it has not saved", "job_once", [](Hooks& hooks) {
            const auto memory = std::make_shared<Memory>();
            hooks.change_effects = [memory](const Agent& agent, Effects& effects) {
              for (Effect& effect : effects)
                if (auto* write = std::get_if<SendWrite>(&effect))
                  pretend_to_save(agent, *write, *memory);
            };
            change_events(hooks, [memory](const Agent& agent, Event& event) {
              visit_anchors(event, [&](ConfigMapView& map) {
                const auto found = memory->find({agent.client(), map.meta.key.name});
                if (found != memory->end() && found->second.written == map.state)
                  map.state = found->second.state;
              });
            });
          }};
}

// Whatever life of the head answers, it is taken for the first one.
Mutant sees_one_session() {
  return {"takes every life of a head for the same", "job_once",
          [](Hooks& hooks) {
            change_events(hooks, [](const Agent&, Event& event) {
              auto* answer = std::get_if<engine::RayAnswered>(&event);
              if (answer == nullptr || !answer->reply || answer->reply->session.empty()) return;
              std::string& session = answer->reply->session;
              session.resize(session.find('#'));
            });
          },
          "job whose head restarts"};
}

Mutant retires_too_early() {
  return {"retires the cluster before the outcome is published", "outcome_first", [](Hooks& hooks) {
            const auto children = std::make_shared<std::map<std::string, ObjectMeta>>();
            const auto ended = std::make_shared<std::set<std::string>>();  // uids of job anchors
            change_events(hooks, [children, ended](const Agent&, Event& event) {
              visit_anchors(event, [&](ConfigMapView& map) {
                const auto state = anchored_job_state(map);
                if (anchored_parent(map)) (*children)[map.meta.owner_uid] = map.meta;
                if (map.anchor_kind == "RayJob" && state && has_ended(state->stage))
                  ended->insert(map.meta.uid);
              });
            });
            hooks.change_effects = [children, ended](const Agent&, Effects& effects) {
              for (const std::string& job : std::exchange(*ended, {}))
                if (const auto child = children->extract(job))
                  effects.push_back(planted_delete(child.mapped().key, child.mapped().uid));
            };
          }};
}

Mutant forgets_the_ledger() {
  return {"reads the status branch without its ledger", "ledger", [](Hooks& hooks) {
            change_events(hooks, [](const Agent&, Event& event) {
              auto* loaded = std::get_if<engine::StatusLoaded>(&event);
              if (loaded == nullptr || !loaded->tree) return;
              std::erase_if(loaded->tree->files,
                            [](const auto& file) { return status::is_ledger_path(file.first); });
            });
          }};
}

}  // namespace

std::vector<Mutant> job_mutants() {
  return {submits_unsaved(), sees_one_session(), retires_too_early(), forgets_the_ledger()};
}

}  // namespace ray_gitops::simulation
