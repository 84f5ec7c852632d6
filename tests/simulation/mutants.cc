#include "tests/simulation/mutants.h"

#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"

namespace ray_gitops::simulation {
namespace {

using engine::Effect;
using engine::Effects;
using engine::Event;
using engine::SendWrite;
using Json = nlohmann::json;

// The id of writes that the engine did not ask for: it ignores their answers.
constexpr std::uint64_t k_planted_id = std::uint64_t{1} << 62U;

std::function<void(Hooks&)> change_effects(EffectsHook change) {
  return [change = std::move(change)](Hooks& hooks) { hooks.change_effects = change; };
}

// Deletes what a watch shows and `chooses` likes.
std::function<void(Hooks&)> delete_seen(const std::function<bool(const ResourceView&)>& chooses) {
  return [chooses](Hooks& hooks) {
    const auto victim = std::make_shared<std::optional<ObjectMeta>>();
    change_events(hooks, [chooses, victim](const Agent&, Event& event) {
      const auto* change = std::get_if<engine::WatchChanged>(&event);
      if (change != nullptr && !change->deleted && chooses(change->object))
        *victim = meta_of(change->object);
    });
    hooks.change_effects = [victim](const Agent&, Effects& effects) {
      if (!*victim) return;
      effects.push_back(planted_delete((*victim)->key, (*victim)->uid));
      victim->reset();
    };
  };
}

void change_agent_state(SendWrite& write, const std::function<void(Json& state)>& change) {
  if (write.action.target != agent_anchor_key(k_agent_ns, k_agent_id)) return;
  Json body = write.action.body.json();
  Json state = Json::parse(body["data"]["state"].get<std::string>());
  change(state);
  body["data"]["state"] = state.dump();
  write.action.body = Document{std::move(body)};
}

bool creates_pod_of(const SendWrite& write, bool of_head) {
  if (write.action.verb != Verb::Create || write.action.target.type != ResourceType::Pod)
    return false;
  const bool is_head =
      write.action.body.json()["metadata"]["labels"][labels::k_group] == k_head_group_name;
  return is_head == of_head;
}

Mutant deletes_whatever_the_uid() {
  return {"deletes whatever the uid", "precondition", change_writes([](SendWrite& write) {
            if (write.action.verb == Verb::Delete) write.action.preconditions.uid.clear();
          })};
}

Mutant deletes_what_is_not_ours() {
  return {"deletes what is not ours", "ownership", delete_seen([](const ResourceView& view) {
            const bool can_be_owned =
                std::holds_alternative<PodView>(view) || std::holds_alternative<ServiceView>(view);
            return can_be_owned && meta_of(view).owner_uid.empty();
          }),
          "pod of a person"};
}

Mutant deletes_healthy_heads() {
  return {"deletes healthy heads", "deletion", delete_seen([](const ResourceView& view) {
            const auto* pod = std::get_if<PodView>(&view);
            return pod != nullptr && pod->group == k_head_group_name && pod->ready &&
                   !pod->meta.owner_uid.empty();
          })};
}

Mutant deletes_one_host() {
  return {"deletes a host of a replica that is whole", "deletion",
          delete_seen([](const ResourceView& view) {
            const auto* pod = std::get_if<PodView>(&view);
            return pod != nullptr && !pod->replica.empty() && pod->ready &&
                   !pod->meta.owner_uid.empty();
          })};
}

Mutant deletes_before_it_knows() {
  return {"deletes before it knows", "unknown", change_effects([](const Agent&, Effects& effects) {
            for (std::size_t index = 0; index < effects.size(); ++index)
              if (std::holds_alternative<engine::StartList>(effects[index])) {
                effects.push_back(planted_delete({ResourceType::Pod, "default", "c0-head"}, "x"));
                return;
              }
          })};
}

Mutant approves_what_is_held() {
  return {"approves what is held", "guard", change_writes([](SendWrite& write) {
            change_agent_state(write, [](Json& state) {
              for (const Json& key : state["held"]) state["removals"].push_back(key);
              state["held"] = Json::array();
              state["holdId"] = "";
            });
          }),
          "folder that is emptied and released"};
}

Mutant writes_twice() {
  return {"writes twice", "flight", change_effects([](const Agent&, Effects& effects) {
            Effects twice;
            for (const Effect& effect : effects)
              if (const auto* write = std::get_if<SendWrite>(&effect))
                twice.push_back(SendWrite{k_planted_id, write->action});
            effects.insert(effects.end(), twice.begin(), twice.end());
          })};
}

Mutant takes_the_lease() {
  return {"takes the Lease of another", "lease", [](Hooks& hooks) {
            change_events(hooks, [](const Agent&, Event& event) {
              auto* answer = std::get_if<engine::ReadAnswered>(&event);
              if (answer == nullptr || !answer->object || !*answer->object) return;
              if (auto* lease = std::get_if<LeaseView>(&**answer->object)) lease->holder.clear();
            });
          }};
}

Mutant starts_workers_first() {
  return {"starts workers first", "order", change_writes([](SendWrite& write) {
            if (!creates_pod_of(write, true)) return;
            Json body = write.action.body.json();
            body["metadata"]["labels"][labels::k_group] = "small";
            write.action.body = Document{std::move(body)};
          })};
}

Mutant says_ready() {
  return {"says Ready too early", "readiness", change_effects([](const Agent&, Effects& effects) {
            static const std::string k_true = "\"phase\": \"Progressing\"";
            for (Effect& effect : effects) {
              auto* publish = std::get_if<engine::PublishStatus>(&effect);
              if (publish == nullptr) continue;
              for (auto& [path, content] : publish->files)
                if (const auto at = content.find(k_true); at != std::string::npos)
                  content.replace(at, k_true.size(), "\"phase\": \"Ready\"");
            }
          })};
}

Mutant publishes_twice() {
  return {"publishes twice", "commit", [](Hooks& hooks) {
            const auto last = std::make_shared<engine::PublishStatus>();
            const auto again = std::make_shared<bool>(false);
            change_events(hooks, [last, again](const Agent&, Event& event) {
              const auto* published = std::get_if<engine::StatusPublished>(&event);
              if (published == nullptr || !published->tip) return;
              last->expected_tip = *published->tip;
              *again = true;
            });
            hooks.change_effects = [last, again](const Agent&, Effects& effects) {
              for (const Effect& effect : effects)
                if (const auto* publish = std::get_if<engine::PublishStatus>(&effect))
                  *last = *publish;
              if (std::exchange(*again, false)) effects.push_back(*last);
            };
          }};
}

Mutant goes_back() {
  return {"goes back to its first commit", "forward", [](Hooks& hooks) {
            const auto accepted = std::make_shared<std::vector<std::string>>();
            change_writes([accepted](SendWrite& write) {
              change_agent_state(write, [&](Json& state) {
                const std::string commit = state["acceptedCommit"];
                if (accepted->empty() || accepted->back() != commit) accepted->push_back(commit);
                if (accepted->size() > 2) state["acceptedCommit"] = accepted->front();
              });
            })(hooks);
          }};
}

Mutant ticks_in_a_loop() {
  return {"ticks in a loop", "pace", [](Hooks& hooks) { hooks.ticks_without_end = true; }};
}

Mutant never_rests() {
  return {"never rests", "silence", change_effects([](const Agent&, Effects& effects) {
            for (const Effect& effect : Effects(effects))
              if (std::holds_alternative<engine::ListRemote>(effect))
                effects.push_back(engine::SendRead{{ResourceType::Pod, "default", "nobody"}});
          })};
}

Mutant forgets_workers() {
  return {"forgets workers", "end state", change_effects([](const Agent&, Effects& effects) {
            std::erase_if(effects, [](const Effect& effect) {
              const auto* write = std::get_if<SendWrite>(&effect);
              return write != nullptr && creates_pod_of(*write, false);
            });
          })};
}

}  // namespace

void change_events(Hooks& hooks, EventHook change) {
  hooks.on_event = [look_on = hooks.on_event, change = std::move(change)](const Agent& agent,
                                                                          Event& event) {
    look_on(agent, event);
    change(agent, event);
  };
}

std::function<void(Hooks&)> change_writes(const std::function<void(SendWrite&)>& change) {
  return change_effects([change](const Agent&, Effects& effects) {
    for (Effect& effect : effects)
      if (auto* write = std::get_if<SendWrite>(&effect)) change(*write);
  });
}

void visit_views(Event& event, const std::function<void(ResourceView&)>& visit) {
  if (auto* change = std::get_if<engine::WatchChanged>(&event)) visit(change->object);
  if (auto* list = std::get_if<engine::ListCompleted>(&event))
    for (ResourceView& view : list->objects) visit(view);
  if (auto* answer = std::get_if<engine::WriteAnswered>(&event))
    if (answer->object && *answer->object) visit(**answer->object);
  if (auto* answer = std::get_if<engine::ReadAnswered>(&event))
    if (answer->object && *answer->object) visit(**answer->object);
}

SendWrite planted(Action action) { return {k_planted_id, std::move(action)}; }

SendWrite planted_delete(const ResourceKey& target, const std::string& uid) {
  return planted({.verb = Verb::Delete,
                  .target = target,
                  .body = {},
                  .preconditions = {uid, {}},
                  .wave = 0,
                  .reason = "planted"});
}

namespace {

Mutant believes_in_a_lost_token() {
  return {"believes in a lost token", "token",
          [](Hooks& hooks) {
            change_events(hooks, [](const Agent&, Event& event) {
              auto* change = std::get_if<engine::WatchChanged>(&event);
              if (change != nullptr && std::holds_alternative<SecretView>(change->object))
                change->deleted = false;
            });
          },
          "token that is lost"};
}

Mutant looks_everywhere() {
  return {"looks everywhere", "reach", [](Hooks& hooks) {
            hooks.change_options = [](engine::EngineOptions& options) {
              options.permissions.namespaces.clear();
            };
          }};
}

std::vector<Mutant> all_mutants() {
  std::vector<Mutant> all{deletes_whatever_the_uid(),
                          deletes_what_is_not_ours(),
                          deletes_healthy_heads(),
                          deletes_one_host(),
                          deletes_before_it_knows(),
                          approves_what_is_held(),
                          writes_twice(),
                          takes_the_lease(),
                          starts_workers_first(),
                          says_ready(),
                          publishes_twice(),
                          goes_back(),
                          ticks_in_a_loop(),
                          never_rests(),
                          forgets_workers(),
                          believes_in_a_lost_token(),
                          looks_everywhere()};
  for (Mutant& mutant : job_mutants()) all.push_back(std::move(mutant));
  for (Mutant& mutant : service_mutants()) all.push_back(std::move(mutant));
  for (Mutant& mutant : scaling_mutants()) all.push_back(std::move(mutant));
  return all;
}

}  // namespace

const std::vector<Mutant>& mutants() {
  static const std::vector<Mutant> k_all = all_mutants();
  return k_all;
}

}  // namespace ray_gitops::simulation
