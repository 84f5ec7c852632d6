#include "agent/engine/writes.h"

#include <algorithm>

namespace ray_gitops::engine {
namespace {

constexpr Duration k_first_retry = std::chrono::milliseconds(500);
constexpr Duration k_longest_retry = std::chrono::seconds(60);
constexpr Duration k_first_question = std::chrono::milliseconds(200);
constexpr Duration k_longest_question = std::chrono::seconds(15);

// The server has said nothing about the write, or was not asked.
bool says_nothing(const Error& error) {
  return error.code == ErrorCode::Unavailable || error.code == ErrorCode::Expired;
}

}  // namespace

void Writes::send(const Action& action, Now now, Effects& effects,
                  const std::optional<CreateGroup>& group) {
  if (!may_send(action.target, now)) return;
  const std::uint64_t id = next_id_++;
  under_way_[action.target] = {id, action.verb, action.preconditions.uid, group};
  targets_.emplace(id, action.target);
  if (group) slow_starts_[*group].sent();
  log(effects, LogLevel::Info, "write",
      {{"verb", name_of(action.verb)},
       {"object", to_string(action.target)},
       {"reason", action.reason}});
  effects.push_back(SendWrite{id, action, epoch_});
}

bool Writes::may_send(const ResourceKey& target, Now now) const {
  if (under_way_.contains(target) || unknown_.contains(target)) return false;
  const Deadline due = may_send_at(target);
  return !due || *due <= now.monotonic;
}

std::size_t Writes::room() const {
  return k_writes_under_way_max - std::min(k_writes_under_way_max, under_way_.size());
}

std::size_t Writes::slow_start_room(const CreateGroup& group) const {
  const auto found = slow_starts_.find(group);
  return found == slow_starts_.end() ? SlowStart{}.room() : found->second.room();
}

void Writes::end_slow_starts(const ObjectKey& owner, const std::set<std::string>& planned) {
  auto next = slow_starts_.lower_bound({owner, {}});
  while (next != slow_starts_.end() && next->first.owner == owner) {
    const auto current = next++;
    if (current->second.is_idle() && !planned.contains(current->first.group))
      slow_starts_.erase(current);
  }
}

bool Writes::is_being_created(const ResourceKey& key) const {
  const auto found = under_way_.find(key);
  return found != under_way_.end() && found->second.verb == Verb::Create;
}

Deadline Writes::may_send_at(const ResourceKey& key) const {
  if (under_way_.contains(key) || unknown_.contains(key)) return std::nullopt;
  const auto refusal = refusals_.find(key);
  const auto silence = silences_.find(key);
  Deadline due;
  if (refusal != refusals_.end()) due = refusal->second.retry_at;
  if (silence != silences_.end()) due = std::max(due.value_or(Instant{}), silence->second.retry_at);
  return due;
}

std::optional<ResourceKey> Writes::on(const WriteAnswered& event, Now now, Effects& effects) {
  const auto known = targets_.find(event.write_id);
  if (known == targets_.end()) return std::nullopt;
  ResourceKey target = known->second;
  targets_.erase(known);
  const Pending pending = std::move(under_way_.extract(target).mapped());
  if (event.object || !says_nothing(event.object.error())) silences_.erase(target);
  note_slow_start(pending, event);
  if (event.object)
    accept(target, pending, *event.object);
  else
    refuse(target, pending, event.object.error(), now, effects);
  return target;
}

void Writes::note_slow_start(const Pending& pending, const WriteAnswered& event) {
  if (!pending.group) return;
  SlowStart& slow_start = slow_starts_[*pending.group];
  if (event.object)
    slow_start.succeeded();
  else if (event.object.error().code == ErrorCode::AlreadyExists ||
           event.object.error().code == ErrorCode::Expired)
    slow_start.passed();
  else
    slow_start.refused();
}

void Writes::accept(const ResourceKey& target, const Pending& pending,
                    const std::optional<ResourceView>& object) {
  refusals_.erase(target);
  if (pending.verb != Verb::Delete) {
    if (object) cache_.put(*object);
    return;
  }
  // A watch event may have told of the end already: an answer brings nothing back.
  const ResourceView* held = cache_.find(target);
  if (!object)
    cache_.remove(target, pending.uid);
  else if (held != nullptr && meta_of(*held).uid == pending.uid)
    cache_.put(*object);
}

void Writes::refuse(const ResourceKey& target, const Pending& pending, const Error& error, Now now,
                    Effects& effects) {
  if (pending.verb == Verb::Delete && error.code == ErrorCode::NotFound) {
    refusals_.erase(target);
    cache_.remove(target, pending.uid);
    return;
  }
  // It never left: the server has refused nothing, and the object is as it was.
  if (error.code == ErrorCode::Expired) {
    log(effects, LogLevel::Info, "write not sent",
        {{"object", to_string(target)}, {"error", describe(error)}});
    return note_silence(target, now);
  }
  // What the cluster holds is not what we thought, or we do not know whether it took the write.
  const bool reread = error.code == ErrorCode::AlreadyExists || error.code == ErrorCode::Conflict ||
                      error.code == ErrorCode::NotFound || error.code == ErrorCode::Unavailable;
  if (reread) ask(target, now);
  if (error.code == ErrorCode::Unavailable)
    note_silence(target, now);
  else
    note_refusal(target, error, now, effects);
}

void Writes::note_silence(const ResourceKey& target, Now now) {
  Silence& silence = silences_[target];
  const int repeats = silence.attempts++;
  silence.retry_at = repeats == 0
                         ? now.monotonic
                         : now.monotonic + backoff(k_first_retry, k_longest_retry, repeats);
}

void Writes::note_refusal(const ResourceKey& target, const Error& error, Now now,
                          Effects& effects) {
  Refusal& refusal = refusals_[target];
  refusal.attempts = refusal.error.message.empty() ? 1 : refusal.attempts + 1;
  const bool news = refusal.error.message != error.message;
  refusal.error = error;
  refusal.retry_at = now.monotonic + backoff(k_first_retry, k_longest_retry, refusal.attempts);
  if (news)
    log(effects, LogLevel::Warning, "write refused",
        {{"object", to_string(target)}, {"error", describe(error)}});
}

void Writes::decided(const ResourceKey& key) {
  silences_.erase(key);
  const auto found = unknown_.find(key);
  if (found == unknown_.end()) return;
  if (found->second.asked) stale_reads_.insert(key);
  unknown_.erase(found);
}

std::optional<ResourceKey> Writes::on(const ReadAnswered& event, Now now, Effects& effects) {
  if (stale_reads_.erase(event.key) > 0) return std::nullopt;
  const auto found = unknown_.find(event.key);
  if (found == unknown_.end()) return std::nullopt;
  if (!event.object) {
    Question& question = found->second;
    question.asked = false;
    question.due =
        now.monotonic + backoff(k_first_question, k_longest_question, ++question.attempts);
    log(effects, LogLevel::Warning, "read failed",
        {{"object", to_string(event.key)}, {"error", describe(event.object.error())}});
    return std::nullopt;
  }
  unknown_.erase(found);
  const std::optional<ResourceView>& object = *event.object;
  if (!object) {
    cache_.remove(event.key, {});
    return event.key;
  }
  if (meta_of(*object).agent != agent_id_) return event.key;
  cache_.put(*object);
  return event.key;
}

void Writes::pump(Now now, Effects& effects) {
  for (auto& [key, question] : unknown_) {
    if (question.asked || question.due > now.monotonic || stale_reads_.contains(key)) continue;
    question.asked = true;
    effects.push_back(SendRead{key});
  }
}

Deadline Writes::deadline() const {
  Deadline next;
  for (const auto& [key, question] : unknown_)
    if (!question.asked && !stale_reads_.contains(key)) next = earlier(next, question.due);
  return next;
}

}  // namespace ray_gitops::engine
