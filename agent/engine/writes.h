#pragma once
// Writes under way: one at a time for each object, so many at once for all, refusals with growing
// delay, and objects whose last write went unanswered, which are Unknown until a read or a watch
// event decides.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "agent/engine/cache.h"
#include "agent/engine/event.h"
#include "agent/engine/parts.h"
#include "agent/engine/slow_start.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/raycluster/observed.h"

namespace ray_gitops::engine {

// Beyond these a write waits in nobody's queue: its object is planned again in its turn. More than
// the client has in flight, so that it never waits for us.
inline constexpr std::size_t k_writes_under_way_max = 96;

// Pods that are made alike, for the same object: one that is refused speaks for the others.
struct CreateGroup {
  ObjectKey owner;
  std::string group;
  auto operator<=>(const CreateGroup&) const = default;
};

class Writes {
 public:
  Writes(std::string agent_id, Cache& cache) : agent_id_(std::move(agent_id)), cache_(cache) {}

  // What is sent from now on is sent under this epoch of the Lease.
  void set_epoch(std::int64_t epoch) { epoch_ = epoch; }
  // Sends the action unless its target has a write or read under way or waits out a refusal. Room
  // is the caller's to look at: what cannot wait is sent beyond it. A create of a pod says in which
  // group, where slow_start_room was asked.
  void send(const Action& action, Now now, Effects& effects,
            const std::optional<CreateGroup>& group = std::nullopt);
  // Would send() send it now?
  bool may_send(const ResourceKey& target, Now now) const;
  // So many more may be under way.
  std::size_t room() const;
  // So many more creates of this group may be under way.
  std::size_t slow_start_room(const CreateGroup& group) const;
  // What the object's groups have learned is forgotten, but for those that have creates under way
  // and those that are `planned`.
  void end_slow_starts(const ObjectKey& owner, const std::set<std::string>& planned);

  // Each returns the target whose situation changed, or nullopt when the answer is not one of ours.
  std::optional<ResourceKey> on(const WriteAnswered& event, Now now, Effects& effects);
  std::optional<ResourceKey> on(const ReadAnswered& event, Now now, Effects& effects);
  // A watch event for this object decides what an unanswered write left open.
  void decided(const ResourceKey& key);

  // When the next write to it may be sent, if one waits; nullopt when nothing but an answer
  // decides.
  Deadline may_send_at(const ResourceKey& key) const;
  // Asks again for objects that are Unknown.
  void pump(Now now, Effects& effects);
  Deadline deadline() const;

  bool is_under_way(const ResourceKey& key) const { return under_way_.contains(key); }
  bool is_being_created(const ResourceKey& key) const;
  std::size_t under_way_count() const { return under_way_.size(); }
  std::size_t unknown_count() const { return unknown_.size(); }
  bool is_unknown(const ResourceKey& key) const { return unknown_.contains(key); }
  const std::map<ResourceKey, Refusal>& refusals() const { return refusals_; }
  // Forgets a refusal: what it was about has changed.
  void forgive(const ResourceKey& key) { refusals_.erase(key); }

 private:
  struct Pending {
    std::uint64_t id = 0;
    Verb verb = Verb::Apply;
    std::string uid;  // of a delete's precondition
    std::optional<CreateGroup> group;
  };
  struct Question {
    bool asked = false;
    int attempts = 0;
    Instant due;
  };
  // Writes in a row that brought no answer. The first one is repeated at once.
  struct Silence {
    int attempts = 0;
    Instant retry_at;
  };

  void accept(const ResourceKey& target, const Pending& pending,
              const std::optional<ResourceView>& object);
  void refuse(const ResourceKey& target, const Pending& pending, const Error& error, Now now,
              Effects& effects);
  void note_slow_start(const Pending& pending, const WriteAnswered& event);
  void note_silence(const ResourceKey& target, Now now);
  void ask(const ResourceKey& target, Now now) { unknown_[target] = {false, 0, now.monotonic}; }
  void note_refusal(const ResourceKey& target, const Error& error, Now now, Effects& effects);

  std::string agent_id_;
  Cache& cache_;
  std::int64_t epoch_ = 0;
  std::uint64_t next_id_ = 1;
  std::map<ResourceKey, Pending> under_way_;
  std::map<std::uint64_t, ResourceKey> targets_;  // of under_way_, by id
  std::map<CreateGroup, SlowStart> slow_starts_;
  std::map<ResourceKey, Question> unknown_;
  // Reads under way whose question a watch event has answered: what they say is old.
  std::set<ResourceKey> stale_reads_;
  std::map<ResourceKey, Silence> silences_;
  std::map<ResourceKey, Refusal> refusals_;
};

}  // namespace ray_gitops::engine
