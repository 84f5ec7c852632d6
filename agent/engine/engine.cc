#include "agent/engine/engine.h"

#include <utility>

namespace ray_gitops::engine {
namespace {

constexpr Duration k_stop_patience = std::chrono::seconds(3);

std::vector<ResourceType> watched_types(const EngineOptions& options) {
  std::vector<ResourceType> types{ResourceType::ConfigMap, ResourceType::Secret,
                                  ResourceType::Service, ResourceType::Pod};
  // Whose rights end at some namespaces may not list those there are, and makes none.
  if (options.permissions.namespaces.empty()) types.insert(types.begin(), ResourceType::Namespace);
  return types;
}

template <class... Handlers>
struct Overload : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overload(Handlers...) -> Overload<Handlers...>;

}  // namespace

Engine::Engine(EngineOptions options)
    : options_(std::move(options)),
      lease_(options_),
      publisher_(options_),
      cache_(
          watched_types(options_),
          [this](const ResourceView* before, const ResourceView* after) {
            objects_.on_change(before, after, now_);
          },
          options_.permissions.namespaces),
      writes_(options_.agent_id, cache_),
      source_(options_),
      objects_(options_, cache_, writes_, heads_, autoscaling_, publisher_),
      acceptance_(options_, cache_, writes_, source_, objects_) {}

Effects Engine::step(Event event, Now now) {
  Effects effects;
  now_ = now;
  if (std::holds_alternative<Tick>(event)) {
    tick(now, effects);
  } else {
    news_ = true;
    take(std::move(event), now, effects);
  }
  return effects;
}

void Engine::take(Event event, Now now, Effects& effects) {
  const auto answered = [&](const std::optional<ResourceKey>& target,
                            const Result<std::optional<ResourceView>>& object) {
    if (target) objects_.on_answer(*target, object && *object ? &**object : nullptr, now);
  };
  std::visit(Overload{
                 [](const Tick&) {},
                 [&](const Wake& wake) { source_.on(wake, now); },
                 [&](const StopRequested&) { stop(now, effects); },
                 [&](const RemoteListed& listed) {
                   source_.on(listed, now, effects);
                   if (listed.tips) publisher_.listed(*listed.tips);
                 },
                 [&](CommitLoaded& loaded) { source_.on(std::move(loaded), now, effects); },
                 [&](const StatusLoaded& loaded) {
                   publisher_.on(loaded, now, effects);
                   objects_.look_at_jobs();
                 },
                 [&](const StatusPublished& published) {
                   publisher_.on(published, now, effects);
                   objects_.look_at_jobs();
                 },
                 [&](ListCompleted& list) {
                   const bool first = !cache_.is_complete(list.type);
                   cache_.on(std::move(list));
                   if (first) objects_.look_at_all();
                 },
                 [&](WatchChanged& change) { cache_.on(std::move(change)); },
                 [&](const WatchBookmark& bookmark) { cache_.on(bookmark); },
                 [&](const WatchEnded& ended) {
                   const bool news =
                       !cache_.is_complete(ended.type) && !cache_.problem_of(ended.type);
                   cache_.on(ended, now, effects);
                   if (news) objects_.look_at_all();
                 },
                 [&](const WriteAnswered& answer) {
                   if (!lease_.on(answer, now, effects))
                     answered(writes_.on(answer, now, effects), answer.object);
                 },
                 [&](const ReadAnswered& answer) {
                   if (!lease_.on(answer, now, effects))
                     answered(writes_.on(answer, now, effects), std::optional<ResourceView>{});
                 },
                 [&](const RayAnswered& answer) {
                   if (const auto job = heads_.on(answer, now, effects))
                     objects_.on_ray_answer(*job);
                 },
                 [&](const GcsAnswered& answer) {
                   if (const auto cluster = autoscaling_.on(answer, now, effects))
                     objects_.on_gcs_answer(*cluster);
                 },
             },
             event);
}

void Engine::tick(Now now, Effects& effects) {
  news_ = false;
  lease_.pump(now, effects);
  if (stopping_) {
    if (lease_.is_released() || stop_by_ <= now.monotonic)
      effects.push_back(Exit{0, "stopped as asked"});
    return;
  }
  if (lease_.went_back()) {
    effects.push_back(Exit{1, "the cluster is older than it was, as after a restored backup"});
    return;
  }
  const bool may_write = lease_.is_held(now);
  if (may_write != had_lease_) objects_.look_at_all();
  if (may_write && !had_lease_) cache_.retry_now();
  had_lease_ = may_write;
  writes_.set_epoch(lease_.epoch());
  cache_.pump(now, effects);
  writes_.pump(now, effects);
  if (publisher_.wants_poll()) source_.on(Wake{}, now);
  source_.pump(now, effects);
  if (source_.wants_commit())
    if (const auto accepted = acceptance_.accepted_commit()) source_.load(*accepted, effects);
  acceptance_.pump(now, may_write, effects);
  objects_.pump(now, may_write, effects);
  if (may_write) autoscaling_.pump(now, effects);
  note_news(now);
  reports_ = may_write && cache_.all_complete() && acceptance_.has_verdict() && source_.tips();
  if (reports_ && publisher_.wants_tree(now, source_.tips(), effects))
    publisher_.publish(now, facts(now), {lease_.epoch(), lease_.held_until()}, effects);
}

// What the tree says beside the objects: a change of it is to be published too.
void Engine::note_news(Now now) {
  const LoadedCommit* loaded = source_.loaded();
  std::string shown = source_.problem() + "\n" + acceptance_.problem() + "\n" +
                      acceptance_.hold_id() + "\n" + acceptance_.commit_in_force() + "\n" +
                      (loaded != nullptr ? loaded->commit : "");
  if (shown == shown_) return;
  shown_ = std::move(shown);
  publisher_.changed(now, false);
}

void Engine::stop(Now now, Effects& effects) {
  if (stopping_) return;
  stopping_ = true;
  stop_by_ = now.monotonic + k_stop_patience;
  lease_.release(now, effects);
}

Deadline Engine::next_deadline() const {
  if (news_) return Instant{};
  if (stopping_) return stop_by_;
  Deadline next = earlier(lease_.deadline(), cache_.deadline());
  next = earlier(next, writes_.deadline());
  next = earlier(next, source_.deadline());
  next = earlier(next, objects_.deadline());
  if (had_lease_) next = earlier(next, autoscaling_.deadline());
  return reports_ ? earlier(next, publisher_.deadline()) : next;
}

status::StatusFacts Engine::facts(Now now) {
  status::StatusFacts facts;
  facts.agent_id = options_.agent_id;
  facts.agent_version = options_.version;
  facts.branch = options_.branch;
  facts.accepted_commit = acceptance_.commit_in_force();
  facts.hold_id = acceptance_.hold_id();
  facts.hold_message = acceptance_.hold_message();
  facts.source_problem = source_.problem().empty() ? acceptance_.problem() : source_.problem();
  facts.objects = objects_.statuses(now);
  facts.ledger = publisher_.ledger(objects_.finished_runs());
  if (const LoadedCommit* loaded = source_.loaded()) {
    facts.observed_commit = loaded->commit;
    facts.diagnostics = loaded->diagnostics;
  }
  return facts;
}

}  // namespace ray_gitops::engine
