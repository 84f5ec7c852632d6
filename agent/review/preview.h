#pragma once
// What the agent would do: its own engine, at work on an imagined cluster. The real world is only
// read. Pure: what is to be read goes out as effects, what was read comes in as events.

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/engine/engine.h"
#include "agent/review/imagined_cluster.h"
#include "agent/review/imagined_ray.h"
#include "agent/review/recorder.h"
#include "agent/review/report.h"

namespace ray_gitops::review {

// How far a preview looks ahead: until nothing was written for `quiet` of the imagined time. What
// goes on for longer than the others is cut off, and the report says so.
struct LookAhead {
  Duration quiet = std::chrono::seconds(90);
  Duration time_max = std::chrono::hours(1);  // imagined
  std::size_t steps_max = 2'000'000;          // of the engine: events that it takes in
};

class Preview {
 public:
  // `now` is when the imagined time begins.
  Preview(engine::EngineOptions options, Now now, LookAhead look_ahead = {});

  // What has to be read first: effects ListRemote, LoadCommit, LoadStatus, StartList and AskRay,
  // the last with requests that read only. Each is answered once, with a good answer; an error is
  // one to AskRay, and to StartList where it can do without.
  engine::Effects start();
  // Takes an answer in. What has to be read next, once all was answered; nothing when it is done.
  // The order of answers makes no difference.
  engine::Effects deliver(engine::Event event);

  // Objects that are nothing but companions, and that this identity may not list or this cluster
  // does not have.
  static bool can_do_without(const engine::WatchEnded& list);

  bool is_done() const { return done_; }
  // Of a preview that is done. It does not say yet what was planned (Report::subject).
  const Report& report() const { return report_; }

 private:
  engine::Effects go_on();
  void finish(bool complete);
  void feed(engine::Event event);
  void take(engine::Effect& effect);
  void take(const engine::ListRemote&);
  void take(const engine::LoadStatus& load);
  void take(const engine::StartList& list);
  void take(engine::PublishStatus& publish);
  void take(const engine::SendRead& read);
  void take(const engine::SendWrite& write);
  void take(const engine::AskRay& ask);
  void learn(engine::Event& event);
  void take_lease();
  std::optional<ObjectKey> subject_of(const RayRequest& request) const;

  LookAhead look_ahead_;
  engine::Engine engine_;
  Now now_;
  Instant began_;
  Instant active_at_;  // when something was written or learned last
  ImaginedCluster cluster_;
  ImaginedRay ray_;
  Recorder recorder_;
  std::deque<engine::Event> queue_;
  engine::Effects asked_;                         // of the real world, not handed out yet
  std::size_t awaited_ = 0;                       // handed out and not answered
  std::vector<engine::Event> arrived_;            // while others are awaited
  std::map<std::uint64_t, RayRequest> requests_;  // of the real heads
  std::map<std::string, std::string> silent_;     // by head pod: why
  std::map<std::pair<ResourceType, std::string>, Error> unlisted_;  // by type and namespace
  std::optional<engine::RemoteTips> tips_;
  std::optional<engine::StatusTree> published_;  // in thought
  std::optional<ResourceKey> lease_;             // read, and not answered yet
  std::string accepted_before_;
  bool commit_read_ = false;
  bool done_ = false;
  std::size_t steps_ = 0;
  Report report_;
};

}  // namespace ray_gitops::review
