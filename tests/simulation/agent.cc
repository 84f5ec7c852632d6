#include "tests/simulation/agent.h"

#include <algorithm>
#include <utility>

namespace ray_gitops::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Past the end of any Lease: a shorter wait is a slow network, of which there are faults enough.
constexpr Duration k_freeze_min = engine::Lease::k_renew_deadline + milliseconds(1);

template <class... Handlers>
struct Overload : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overload(Handlers...) -> Overload<Handlers...>;

engine::EngineOptions options_of(const std::string& instance,
                                 const std::set<std::string>& namespaces) {
  engine::EngineOptions options;
  options.agent_id = k_agent_id;
  options.agent_ns = k_agent_ns;
  options.instance = instance;
  options.version = "0";
  options.repository = "file:///repository#main";
  options.branch = k_branch;
  options.default_ns = "default";
  options.guards = {.objects = 2, .percent = 40};
  options.permissions.namespaces = namespaces;
  return options;
}

std::string answer_text(const Result<std::optional<ResourceView>>& object) {
  if (!object) return describe(object.error());
  return *object ? "version " + meta_of(**object).resource_version : "nothing";
}

bool changes_something(const engine::Effect& effect) {
  if (const auto* ask = std::get_if<engine::AskGcs>(&effect))
    return !std::holds_alternative<GetResourceState>(ask->request.body);
  return !std::holds_alternative<engine::WriteLog>(effect);
}

std::string serve_text(const ServeInfo& info) {
  std::string text = "serve";
  for (const auto& [name, application] : info.applications)
    text += " " + name + "=" + name_of(application.status);
  for (const std::string& proxy : info.proxies) text += " " + proxy;
  return text;
}

std::string ask_text(const GcsRequest& request) {
  std::string text = std::string("AskGcs ") + method_of(request) + " " + request.cluster +
                     " head " + request.head_uid;
  if (const auto* drain = std::get_if<DrainRequest>(&request.body))
    text += " node " + drain->node_id + ": " + drain->message;
  return text;
}

std::string answer_text(const Result<GcsReply>& reply) {
  if (!reply) return describe(reply.error());
  if (const auto* drain = std::get_if<DrainReply>(&*reply))
    return drain->accepted ? "accepted" : "refused: " + drain->rejection;
  const auto* state = std::get_if<RayResourceState>(&*reply);
  if (state == nullptr) return "taken";
  std::string text = "session " + state->session + " version " + std::to_string(state->version);
  for (const auto& [request, count] : state->pending) text += " pending " + std::to_string(count);
  for (const RayNode& node : state->nodes)
    if (node.status != RayNodeStatus::Dead)
      text += " " + node.instance_id + "=" + name_of(node.status);
  return text;
}

std::string answer_text(const Result<RayReply>& reply) {
  if (!reply) return describe(reply.error());
  if (!reply->session.empty()) return "session " + reply->session;
  if (reply->serve) return serve_text(*reply->serve);
  return reply->job ? name_of(reply->job->status) : "nothing";
}

}  // namespace

std::string describe(const engine::Effect& effect) {
  return std::visit(
      Overload{
          [](const engine::ListRemote&) { return std::string("ListRemote"); },
          [](const engine::LoadCommit& load) { return "LoadCommit " + load.commit; },
          [](const engine::LoadStatus& load) { return "LoadStatus " + load.tip.value_or("-"); },
          [](const engine::PublishStatus& publish) {
            std::string text = "PublishStatus " + publish.message;
            for (const auto& [path, content] : publish.files) text += path + "\n" + content;
            return text;
          },
          [](const engine::StartList& list) {
            return std::string("StartList ") + kind_of(list.type);
          },
          [](const engine::StartWatch& watch) {
            return std::string("StartWatch ") + kind_of(watch.type) + " " + watch.resource_version;
          },
          [](const engine::HoldLease& lease) {
            return "HoldLease " + std::to_string(lease.epoch) + " until " +
                   std::to_string(lease.until.milliseconds);
          },
          [](const engine::SendWrite& write) {
            const Action& action = write.action;
            return std::string("SendWrite ") + name_of(action.verb) + " " +
                   to_string(action.target) + " uid " + action.preconditions.uid + " version " +
                   action.preconditions.resource_version + ": " + action.reason + " " +
                   action.body.canonical();
          },
          [](const engine::SendRead& read) { return "SendRead " + to_string(read.key); },
          [](const engine::AskRay& ask) {
            return std::string("AskRay ") + name_of(ask.request.verb) + " " + ask.request.address +
                   " " + ask.request.submission_id + ask.request.cluster + " " +
                   ask.request.config_digest + " head " + ask.request.head_uid + ": " +
                   ask.request.reason;
          },
          [](const engine::AskGcs& ask) { return ask_text(ask.request); },
          [](const engine::WriteLog& record) {
            std::string text = "WriteLog " + record.message;
            for (const auto& [name, value] : record.fields) text += " " + name + "=" + value;
            return text;
          },
          [](const engine::Exit& exit) { return "Exit " + exit.reason; }},
      effect);
}

std::string describe(const engine::Event& event) {
  return std::visit(
      Overload{
          [](const engine::Tick&) { return std::string("Tick"); },
          [](const engine::Wake&) { return std::string("Wake"); },
          [](const engine::StopRequested&) { return std::string("StopRequested"); },
          [](const engine::RemoteListed& listed) {
            return "RemoteListed " + (listed.tips ? listed.tips->source.value_or("-") : "failed");
          },
          [](const engine::CommitLoaded& loaded) {
            return "CommitLoaded " + loaded.commit + (loaded.tree ? "" : " failed");
          },
          [](const engine::StatusLoaded& loaded) {
            return std::string("StatusLoaded") + (loaded.tree ? "" : " failed");
          },
          [](const engine::StatusPublished& published) {
            return "StatusPublished " +
                   (published.tip ? *published.tip : describe(published.tip.error()));
          },
          [](const engine::ListCompleted& list) {
            return std::string("ListCompleted ") + kind_of(list.type) + " " +
                   list.resource_version + " objects " + std::to_string(list.objects.size());
          },
          [](const engine::WatchChanged& change) {
            const ObjectMeta& meta = meta_of(change.object);
            return std::string("WatchChanged ") + (change.deleted ? "deleted " : "") +
                   to_string(meta.key) + " version " + meta.resource_version;
          },
          [](const engine::WatchBookmark& bookmark) {
            return std::string("WatchBookmark ") + kind_of(bookmark.type) + " " +
                   bookmark.resource_version;
          },
          [](const engine::WatchEnded& ended) {
            return std::string("WatchEnded ") + kind_of(ended.type) + " " + describe(ended.error);
          },
          [](const engine::WriteAnswered& answer) {
            return "WriteAnswered " + std::to_string(answer.write_id) + " " +
                   answer_text(answer.object);
          },
          [](const engine::ReadAnswered& answer) {
            return "ReadAnswered " + to_string(answer.key) + " " + answer_text(answer.object);
          },
          [](const engine::RayAnswered& answer) {
            return "RayAnswered " + std::to_string(answer.request_id) + " " +
                   answer_text(answer.reply);
          },
          [](const engine::GcsAnswered& answer) {
            return "GcsAnswered " + std::to_string(answer.request_id) + " " +
                   answer_text(answer.reply);
          }},
      event);
}

Agent::Agent(Core& core, const Servers& servers, const Hooks& hooks, int number)
    : core_(core),
      servers_(servers),
      hooks_(hooks),
      number_(number),
      instance_("agent-" + std::to_string(number)) {}

void Agent::start() {
  ++life_;
  engine::EngineOptions options = options_of(instance_, core_.namespaces);
  if (hooks_.change_options) hooks_.change_options(options);
  engine_ = std::make_unique<engine::Engine>(options);
  core_.note(client() + " starts as " + instance_);
  schedule_tick();
}

void Agent::crash() {
  core_.note(client() + " crashes");
  engine_.reset();
  frozen_ = false;
  unread_.clear();
  unsent_.clear();
  lease_ = {};
  ++tick_;
  servers_.api.disconnect(client());
}

void Agent::come_back_later() {
  const Duration pause = core_.random.between(milliseconds(10), seconds(20));
  const bool elsewhere = core_.random.chance(400);
  core_.timeline.after(pause, [this, elsewhere] {
    if (is_alive()) return;
    if (elsewhere) instance_ = "agent-" + std::to_string(number_) + "-" + std::to_string(life_);
    start();
  });
}

// Answers find this life of the process, or nobody.
Deliver Agent::ear() {
  return [this, life = life_](engine::Event event) {
    if (is_alive() && life == life_) deliver(std::move(event));
  };
}

void Agent::deliver(engine::Event event) {
  if (frozen_) return unread_.push_back(std::move(event));
  core_.note(client() + " <- " + describe(event));
  if (hooks_.on_event) hooks_.on_event(*this, event);
  engine::Effects effects = engine_->step(std::move(event), core_.timeline.now());
  if (hooks_.change_effects) hooks_.change_effects(*this, effects);
  carry_out(effects);
  if (is_alive()) schedule_tick();
}

// A Tick follows what arrives at one instant; two Ticks are a millisecond apart.
void Agent::schedule_tick() {
  engine::Deadline due = engine_->next_deadline();
  if (hooks_.ticks_without_end) due = core_.timeline.instant();
  ++tick_;
  if (!due) return;
  const Instant now = core_.timeline.instant();
  const Instant when = std::max({*due, now, last_tick_ + milliseconds(1)});
  core_.timeline.after(when - now, [this, tick = tick_] {
    if (tick != tick_) return;
    last_tick_ = core_.timeline.instant();
    deliver(engine::Tick{});
  });
}

void Agent::carry_out(const engine::Effects& effects) {
  for (const engine::Effect& effect : effects) {
    const std::string text = describe(effect);
    core_.mix(std::to_string(core_.timeline.instant().milliseconds) + client() + text);
    core_.note(client() + " -> " + text);
    leave(effect);
    const bool counts = changes_something(effect);
    if (counts) ++effects_;
    if (!counts || !crashes_now()) continue;
    crash();
    return come_back_later();
  }
}

void Agent::leave(const engine::Effect& effect) {
  const bool is_push = std::holds_alternative<engine::PublishStatus>(effect);
  const bool may_wait = is_push || std::holds_alternative<engine::SendWrite>(effect);
  if (may_wait && !frozen_ && core_.faults.freezes != 0 &&
      core_.random.chance(core_.faults.freezes))
    freeze(core_.random.between(k_freeze_min, seconds(40)));
  if (may_wait && frozen_) return unsent_.push_back(effect);
  if (may_wait && !may_leave(effect)) return refuse(effect);
  if (hooks_.on_effect) hooks_.on_effect(*this, effect);
  carry_out(effect);
}

// As agent/kubernetes/sender and the Git child do.
bool Agent::may_leave(const engine::Effect& effect) const {
  if (hooks_.sends_late) return true;
  const Instant now = core_.timeline.instant();
  if (const auto* publish = std::get_if<engine::PublishStatus>(&effect))
    return now < publish->not_after;
  const auto& write = std::get<engine::SendWrite>(effect);
  return write.lease_epoch == 0 || (write.lease_epoch == lease_.epoch && now < lease_.until);
}

void Agent::refuse(const engine::Effect& effect) {
  core_.note(client() + " does not send " + describe(effect));
  const char* const why = "the Lease ended";
  engine::Event answer = engine::StatusPublished{fail(ErrorCode::Conflict, why)};
  if (const auto* write = std::get_if<engine::SendWrite>(&effect))
    answer = engine::WriteAnswered{write->write_id, fail(ErrorCode::Expired, why)};
  core_.timeline.after(Duration{0}, [told = ear(), answer] { told(answer); });
}

void Agent::freeze(Duration duration) {
  core_.note(client() + " freezes");
  frozen_ = true;
  core_.timeline.after(duration, [this, life = life_] {
    if (life == life_ && frozen_) thaw();
  });
}

void Agent::thaw() {
  core_.note(client() + " thaws");
  frozen_ = false;
  for (const engine::Effect& effect : std::exchange(unsent_, {})) leave(effect);
  for (engine::Event& event : std::exchange(unread_, {}))
    if (is_alive()) deliver(std::move(event));
}

// Drawn even where the moment is given: a story runs the same way up to its crash.
bool Agent::crashes_now() {
  const bool by_chance = core_.random.chance(core_.faults.crash);
  return crash_after_ != 0 ? effects_ == crash_after_ : by_chance;
}

void Agent::carry_out(const engine::Effect& effect) {
  std::visit(
      Overload{
          [&](const engine::ListRemote&) { servers_.git.list_remote(ear()); },
          [&](const engine::LoadCommit& load) { servers_.git.load_commit(load, ear()); },
          [&](const engine::LoadStatus& load) { servers_.git.load_status(load, ear()); },
          [&](const engine::PublishStatus& publish) { servers_.git.publish(publish, ear()); },
          [&](const engine::StartList& list) { servers_.api.start_list(list, client(), ear()); },
          [&](const engine::StartWatch& watch) {
            servers_.api.start_watch(watch, client(), ear());
          },
          [&](const engine::HoldLease& lease) { lease_ = lease; },
          [&](const engine::SendWrite& write) { servers_.api.send_write(write, client(), ear()); },
          [&](const engine::SendRead& read) { servers_.api.send_read(read, ear()); },
          [&](const engine::AskRay& ask) { servers_.heads.ask(ask, ear()); },
          [&](const engine::AskGcs& ask) { servers_.gcs.ask(ask, ear()); },
          [](const engine::WriteLog&) {}, [](const engine::Exit&) {}},
      effect);
}

}  // namespace ray_gitops::simulation
