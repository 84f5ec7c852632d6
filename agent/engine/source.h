#pragma once
// Which commit the agent acts on, and what it declares.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/engine/event.h"
#include "agent/engine/options.h"
#include "agent/engine/parts.h"
#include "reconcilers/declaration/parse.h"
#include "reconcilers/model/declaration.h"

namespace ray_gitops::engine {

// A commit as read: what it declares, and what is wrong with its files.
struct LoadedCommit {
  std::string commit;
  std::string message;
  std::string accepted;                           // the commit acted on when this one was read
  bool descends_from_accepted = true;             // from `accepted`
  std::map<ObjectKey, Declaration> declarations;  // valid, each in one place
  std::map<ObjectKey, Diagnostic> invalid;        // named, with the first thing wrong
  std::map<ObjectKey, Provenance> places;         // of all that is named
  std::vector<Diagnostic> diagnostics;            // in order of path, line, column
  std::optional<std::string> opaque_file;         // see sync::CommitFacts
};

class Source {
 public:
  explicit Source(const EngineOptions& options) : options_(options) {}

  void on(const Wake& event, Now now);
  void on(const RemoteListed& event, Now now, Effects& effects);
  void on(CommitLoaded event, Now now, Effects& effects);
  void pump(Now now, Effects& effects);
  // The branch has a commit that was not read yet and is not under way.
  bool wants_commit() const;
  // Reads it. `accepted` is the commit acted on before, or empty.
  void load(const std::string& accepted, Effects& effects);
  Deadline deadline() const;

  // The newest commit that was read whole; null before the first.
  const LoadedCommit* loaded() const { return loaded_ ? &*loaded_ : nullptr; }
  // Where the status branch stands, as the last poll saw it. Unknown before the first answer.
  const std::optional<RemoteTips>& tips() const { return tips_; }
  // Reads the commit once more: another one has been accepted since.
  void reload() { loaded_.reset(); }
  // Why the repository cannot be read, or empty.
  const std::string& problem() const { return problem_; }

 private:
  void note_problem(Effects& effects);
  LoadedCommit assemble(const SourceTree& tree, std::string accepted);
  ParsedFile parse(const SourceFile& file, const std::string& commit);

  const EngineOptions& options_;
  std::optional<RemoteTips> tips_;
  std::optional<LoadedCommit> loaded_;
  // By blob id: what a content declares. Holds the blobs of the newest commit.
  std::map<std::string, ParsedFile> parsed_;
  std::string loading_;           // commit under way, or empty
  std::string loading_accepted_;  // what it is compared with
  bool polling_ = false;
  bool wake_ = false;      // asked for while a poll was under way
  int failures_ = 0;       // polls in a row
  int load_failures_ = 0;  // commits that could not be read, in a row
  Instant due_;
  std::string list_problem_;
  std::string load_problem_;
  std::string problem_;  // the first of them, as it was said
};

}  // namespace ray_gitops::engine
