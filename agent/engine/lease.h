#pragma once
// One agent for an id at a time: a Lease (Kubernetes API, coordination.k8s.io/v1), renewed while we
// act. Who does not hold it writes nothing.

#include <cstdint>
#include <optional>
#include <string>

#include "agent/engine/event.h"
#include "agent/engine/options.h"
#include "agent/engine/parts.h"

namespace ray_gitops::engine {

class Lease {
 public:
  // Another that looks every second is at work less than 15 s after the holder was killed.
  static constexpr Duration k_duration = std::chrono::seconds(12);
  static constexpr Duration k_renew_every = std::chrono::seconds(5);
  // Without a renewal for this long we stop acting, before another may start. Counted from when
  // the renewal was sent: the server saw it later.
  static constexpr Duration k_renew_deadline = std::chrono::seconds(9);

  explicit Lease(const EngineOptions& options);

  // True when the event was about the Lease.
  bool on(const WriteAnswered& event, Now now, Effects& effects);
  bool on(const ReadAnswered& event, Now now, Effects& effects);
  void pump(Now now, Effects& effects);
  // Gives the Lease back, so that the next agent need not wait for it to expire.
  void release(Now now, Effects& effects);
  Deadline deadline() const;

  bool is_held(Now now) const;
  // Until when, if it is not renewed; the past when it is not held.
  Instant held_until() const;
  bool is_released() const { return released_; }
  // As last seen, another process has it.
  bool is_anothers() const { return live_ && !live_->holder.empty() && live_->holder != instance_; }
  std::int64_t epoch() const { return epoch_; }
  // The Lease is older than it was: the cluster holds a past of itself (a backup was restored), or
  // is another one. A watch from a resource version of the future would stay silent for good.
  bool went_back() const { return went_back_; }
  // Why it is not held, one sentence; empty while it is.
  const std::string& obstacle() const { return obstacle_; }

 private:
  void send(Now now, Effects& effects);
  void learn(const std::optional<LeaseView>& view, Now now, Effects& effects);
  bool may_take(Now now) const;
  void note_version(const LeaseView& view);
  Document body(Now now, const std::string& holder) const;

  ResourceKey key_;
  std::string instance_;
  std::uint64_t write_id_ = 0;  // under way; Lease ids have the top bit set
  std::uint64_t next_id_ = (std::uint64_t{1} << 63U) + 1;
  bool reading_ = false;
  bool released_ = false;
  bool releasing_ = false;
  std::string newest_version_;  // ever seen
  bool went_back_ = false;
  std::optional<LeaseView> live_;
  Instant seen_at_;                            // when live_'s resource version was first seen
  std::optional<Instant> held_since_renewal_;  // when the last granted renewal was sent
  Instant sent_at_;
  Instant due_;  // of the next read or renewal
  std::int64_t epoch_ = 0;
  std::string obstacle_ = "its Lease has not been read yet";
};

}  // namespace ray_gitops::engine
