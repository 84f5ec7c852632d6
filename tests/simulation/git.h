#pragma once
// A Git remote with two branches: the one that people commit to, and the agent's status branch.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/engine/effect.h"
#include "agent/engine/event.h"
#include "tests/simulation/api.h"
#include "tests/simulation/core.h"

namespace ray_gitops::simulation {

struct File {
  std::string content;
  std::string refused;  // why it must not be read (a symbolic link); empty for a regular file
  friend bool operator==(const File&, const File&) = default;
};

using Files = std::map<std::string, File>;

struct SourceCommit {
  std::string id;
  std::string parent;
  std::string message;
  Files files;
};

struct StatusCommit {
  std::string id;
  std::optional<std::string> parent;
  std::map<std::string, std::string> files;
  std::string message;
};

class Git {
 public:
  explicit Git(Core& core) : core_(core) {}

  // The agent's side.
  void list_remote(const Deliver& deliver);
  void load_commit(const engine::LoadCommit& effect, const Deliver& deliver);
  void load_status(const engine::LoadStatus& effect, const Deliver& deliver);
  void publish(const engine::PublishStatus& effect, const Deliver& deliver);

  // The people's side.
  const SourceCommit& commit(Files files, const std::string& message);
  // The branch now points to another commit, ancestor or not.
  void force_to(const std::string& id) { source_tip_ = id; }

  const std::optional<std::string>& source_tip() const { return source_tip_; }
  const SourceCommit& source(const std::string& id) const { return sources_.at(id); }
  bool has_source(const std::string& id) const { return sources_.contains(id); }
  // Is `ancestor` the commit itself or before it?
  bool descends(const std::string& id, const std::string& ancestor) const;
  // Null when nothing was published.
  const StatusCommit* status() const;
  const StatusCommit* status(const std::string& id) const;

  std::function<void(const StatusCommit&)> on_status;

 private:
  // Answers `event` after a while, or that Git cannot be reached.
  template <class Answered>
  void answer(const Deliver& deliver, const std::function<Answered()>& make,
              const std::function<Answered(Error)>& make_failed);
  Result<engine::SourceTree> tree_of(const engine::LoadCommit& effect) const;
  Result<engine::StatusTree> status_tree(const std::optional<std::string>& tip) const;
  Result<std::string> push(const engine::PublishStatus& effect);

  Core& core_;
  std::map<std::string, SourceCommit> sources_;
  std::optional<std::string> source_tip_;
  std::map<std::string, StatusCommit> statuses_;
  std::optional<std::string> status_tip_;
};

}  // namespace ray_gitops::simulation
