#include "agent/engine/summary.h"

#include "agent/engine/engine.h"

namespace ray_gitops::engine {

const char* sentence_of(Readiness readiness) {
  switch (readiness) {
    case Readiness::Ready:
      return "the agent is at work";
    case Readiness::Standby:
      return "another agent of this id is at work; this one waits for its lease";
    case Readiness::ClusterNotRead:
      return "the cluster has not been read yet; the log says why";
    case Readiness::LeaseNotTaken:
      return "the agent's lease has not been taken yet; the log says why";
    case Readiness::SourceNotRead:
      return "the repository has not been read yet; the log says why";
    case Readiness::Stopping:
      return "the agent ends";
  }
  return "";
}

Readiness Engine::readiness(Now now) const {
  if (stopping_) return Readiness::Stopping;
  if (!lease_.is_held(now) && lease_.is_anothers()) return Readiness::Standby;
  if (!cache_.all_complete()) return Readiness::ClusterNotRead;
  if (acceptance_.has_verdict()) return Readiness::Ready;
  return lease_.is_held(now) ? Readiness::SourceNotRead : Readiness::LeaseNotTaken;
}

Summary Engine::summary(Now now) const {
  Summary summary;
  summary.readiness = readiness(now);
  summary.lease_held = lease_.is_held(now);
  summary.is_commit_held = !acceptance_.hold_id().empty();
  summary.is_source_readable = source_.problem().empty();
  if (const LoadedCommit* loaded = source_.loaded())
    summary.diagnostics = loaded->diagnostics.size();
  summary.objects = objects_.count_by_phase();
  summary.reconciles = objects_.reconciles();
  for (const auto& [key, view] : cache_.all()) ++summary.watched[key.type];
  summary.writes_under_way = writes_.under_way_count();
  summary.writes_unanswered = writes_.unknown_count();
  summary.writes_refused = writes_.refusals().size();
  return summary;
}

}  // namespace ray_gitops::engine
