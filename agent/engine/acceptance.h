#pragma once
// From a commit that was read to a commit that is acted on: judged once, saved in the agent's
// anchor, then in force. After a restart the saved verdict stands.

#include <optional>
#include <string>

#include "agent/engine/cache.h"
#include "agent/engine/objects.h"
#include "agent/engine/options.h"
#include "agent/engine/parts.h"
#include "agent/engine/source.h"
#include "agent/engine/writes.h"
#include "reconcilers/manifest/anchor.h"

namespace ray_gitops::engine {

class Acceptance {
 public:
  Acceptance(const EngineOptions& options, const Cache& cache, Writes& writes, Source& source,
             Objects& objects);

  void pump(Now now, bool may_write, Effects& effects);

  // The commit acted on before, "" for none; nullopt while the agent's anchor has not been read.
  std::optional<std::string> accepted_commit() const;
  // A commit is in force, or it is known why none is.
  bool has_verdict() const { return !in_force_.empty() || !hold_id_.empty() || !problem_.empty(); }
  // In force in this process.
  const std::string& commit_in_force() const { return in_force_; }
  const std::string& hold_id() const { return hold_id_; }
  const std::string& hold_message() const { return hold_message_; }
  // Why no commit can be accepted, or empty.
  const std::string& problem() const { return problem_; }

 private:
  // Removals that an earlier run of the agent approved go on before the commit is read.
  void foresee();
  // Says so when the agent's anchor is there and cannot be understood: what was accepted is
  // unknown.
  void note_unreadable(Effects& effects);
  void remember_inventory();
  // nullopt: not known. A state that is not there is an empty one.
  std::optional<AgentState> state() const;
  void put_in_force(const LoadedCommit& commit, const AgentState& state, Effects& effects);
  void judge(const LoadedCommit& commit, const AgentState& state, Now now, Effects& effects);
  void save(const AgentState& state, const std::string& reason, Now now, Effects& effects);
  void note_hold(const std::string& id, const std::string& message, Effects& effects);

  const EngineOptions& options_;
  const Cache& cache_;
  Writes& writes_;
  Source& source_;
  Objects& objects_;
  ResourceKey key_;
  std::string in_force_;
  std::string judged_;  // a commit that is not acted on, and what it was judged against
  bool foreseen_ = false;
  bool judged_again_ = false;  // the commit in force, over what has turned up since
  std::string hold_id_;
  std::string hold_message_;
  std::string problem_;
  std::vector<ObjectKey> inventory_;  // as the agent's anchor had it last
  std::string looked_at_;             // the version of the agent's anchor that was looked at last
  bool unreadable_ = false;           // problem_ is about it
};

}  // namespace ray_gitops::engine
