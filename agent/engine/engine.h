#pragma once
// The engine: events in, effects out. Owns all state of the agent; does nothing by itself, reads no
// clock, never blocks, never throws. One thread.

#include <string>
#include <vector>

#include "agent/engine/acceptance.h"
#include "agent/engine/autoscaling.h"
#include "agent/engine/cache.h"
#include "agent/engine/event.h"
#include "agent/engine/heads.h"
#include "agent/engine/lease.h"
#include "agent/engine/objects.h"
#include "agent/engine/options.h"
#include "agent/engine/parts.h"
#include "agent/engine/publisher.h"
#include "agent/engine/source.h"
#include "agent/engine/summary.h"
#include "agent/engine/writes.h"

namespace ray_gitops::engine {

class Engine {
 public:
  explicit Engine(EngineOptions options);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Takes one event in. Decisions are made on Tick only, so that events that arrive together are
  // looked at together: the caller sends a Tick whenever next_deadline() has passed.
  Effects step(Event event, Now now);

  // When the next Tick is due; an instant in the past means at once.
  Deadline next_deadline() const;

  // What the status tree would say now.
  status::StatusFacts facts(Now now);

  // Numbers about what it holds. Takes time in proportion to the objects.
  Summary summary(Now now) const;
  Readiness readiness(Now now) const;

 private:
  void take(Event event, Now now, Effects& effects);
  void tick(Now now, Effects& effects);
  void note_news(Now now);
  void stop(Now now, Effects& effects);

  EngineOptions options_;
  Now now_;  // of the event being taken in
  Lease lease_;
  Publisher publisher_;
  Cache cache_;
  Writes writes_;
  Source source_;
  Heads heads_;
  Autoscaling autoscaling_;
  Objects objects_;
  Acceptance acceptance_;
  bool news_ = true;  // something was taken in since the last Tick
  bool had_lease_ = false;
  bool stopping_ = false;
  Instant stop_by_;
  // Only the holder of the Lease reports, and only once it knows what there is to report on.
  bool reports_ = false;
  std::string shown_;  // problem, hold and commits as the tree showed them last
};

}  // namespace ray_gitops::engine
