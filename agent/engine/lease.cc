#include "agent/engine/lease.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "agent/engine/cache.h"
#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"

namespace ray_gitops::engine {
namespace {

constexpr Duration k_retry = std::chrono::seconds(1);

// Kubernetes MicroTime.
std::string micro_time(WallTime time) {
  std::string text = to_rfc3339(time);
  text.pop_back();
  std::string fraction = std::to_string(time.milliseconds % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  return text + "." + fraction + "000Z";
}

}  // namespace

Lease::Lease(const EngineOptions& options)
    : key_(agent_lease_key(options.agent_ns, options.agent_id)), instance_(options.instance) {}

bool Lease::is_held(Now now) const { return now.monotonic < held_until(); }

Instant Lease::held_until() const {
  if (releasing_ || !held_since_renewal_) return {};
  return *held_since_renewal_ + k_renew_deadline;
}

Document Lease::body(Now now, const std::string& holder) const {
  const bool taken_over = live_ && live_->holder != instance_;
  const std::int64_t transitions = live_ ? live_->transitions + (taken_over ? 1 : 0) : 0;
  return Document{nlohmann::json{{"apiVersion", "coordination.k8s.io/v1"},
                                 {"kind", "Lease"},
                                 {"metadata", {{"name", key_.name}, {"namespace", key_.ns}}},
                                 {"spec",
                                  {{"holderIdentity", holder},
                                   {"leaseDurationSeconds", k_duration / std::chrono::seconds(1)},
                                   {"renewTime", micro_time(now.wall)},
                                   {"leaseTransitions", transitions}}}}};
}

// The other's clock is not ours: it has expired when it has not changed for its whole duration.
bool Lease::may_take(Now now) const {
  if (!live_ || live_->holder.empty() || live_->holder == instance_) return true;
  return now.monotonic - seen_at_ >= live_->duration;
}

void Lease::send(Now now, Effects& effects) {
  write_id_ = next_id_++;
  sent_at_ = now.monotonic;
  Action action{.verb = live_ ? Verb::Replace : Verb::Create,
                .target = key_,
                .body = body(now, releasing_ ? std::string{} : instance_),
                .preconditions = {},
                .wave = 0,
                .reason = releasing_ ? "the agent ends" : "the agent is at work"};
  if (live_) action.preconditions = {live_->meta.uid, live_->meta.resource_version};
  effects.push_back(SendWrite{write_id_, std::move(action)});
}

void Lease::pump(Now now, Effects& effects) {
  if (released_ || write_id_ != 0 || reading_ || due_ > now.monotonic) return;
  if (held_since_renewal_ && live_) return send(now, effects);
  reading_ = true;
  effects.push_back(SendRead{key_});
}

void Lease::release(Now now, Effects& effects) {
  if (releasing_) return;
  const bool held = is_held(now) && live_;
  releasing_ = true;
  effects.push_back(HoldLease{});  // what waits to be sent is left to the next holder
  if (!held) {
    released_ = true;
  } else if (write_id_ == 0) {
    send(now, effects);
  }
}

Deadline Lease::deadline() const {
  if (released_ || write_id_ != 0 || reading_) return std::nullopt;
  return due_;
}

void Lease::note_version(const LeaseView& view) {
  const std::string& version = view.meta.resource_version;
  went_back_ = went_back_ || is_older(version, newest_version_);
  newest_version_ = version;
}

void Lease::learn(const std::optional<LeaseView>& view, Now now, Effects& effects) {
  const bool changed =
      !live_ || !view || live_->meta.resource_version != view->meta.resource_version;
  if (changed) seen_at_ = now.monotonic;
  live_ = view;
  if (view) note_version(*view);
  if (live_ && live_->holder != instance_) {
    if (held_since_renewal_) effects.push_back(HoldLease{});
    held_since_renewal_.reset();
  }
  if (may_take(now)) return send(now, effects);
  const std::string obstacle = "another agent with this id is at work: " + live_->holder;
  if (obstacle != obstacle_)
    log(effects, LogLevel::Warning, "waiting for the lease", {{"why", obstacle}});
  obstacle_ = obstacle;
  due_ = std::min(now.monotonic + k_retry, seen_at_ + live_->duration);
}

bool Lease::on(const ReadAnswered& event, Now now, Effects& effects) {
  if (event.key != key_) return false;
  reading_ = false;
  if (releasing_) return true;
  if (!event.object) {
    obstacle_ = "its Lease cannot be read: " + describe(event.object.error());
    due_ = now.monotonic + k_retry;
    return true;
  }
  std::optional<LeaseView> view;
  if (*event.object)
    if (const auto* lease = std::get_if<LeaseView>(&**event.object)) view = *lease;
  learn(view, now, effects);
  return true;
}

bool Lease::on(const WriteAnswered& event, Now now, Effects& effects) {
  if (event.write_id != write_id_ || write_id_ == 0) return false;
  write_id_ = 0;
  if (releasing_) {
    // A renewal that was under way when the release was asked for is followed by the release.
    const bool was_renewal = event.object && *event.object &&
                             std::get_if<LeaseView>(&**event.object) != nullptr &&
                             !std::get<LeaseView>(**event.object).holder.empty();
    if (was_renewal) {
      live_ = std::get<LeaseView>(**event.object);
      send(now, effects);
    } else {
      released_ = true;
    }
    return true;
  }
  const LeaseView* granted =
      event.object && *event.object ? std::get_if<LeaseView>(&**event.object) : nullptr;
  if (granted == nullptr) {
    // Refused or unanswered: read again, and believe what is there.
    if (!is_held(now)) held_since_renewal_.reset();
    live_.reset();
    due_ = now.monotonic + k_retry;
    return true;
  }
  note_version(*granted);
  if (!held_since_renewal_) {
    epoch_ = granted->transitions + 1;
    log(effects, LogLevel::Info, "lease acquired", {{"holder", instance_}});
  }
  live_ = *granted;
  held_since_renewal_ = sent_at_;
  effects.push_back(HoldLease{epoch_, held_until()});
  obstacle_.clear();
  due_ = sent_at_ + k_renew_every;
  return true;
}

}  // namespace ray_gitops::engine
