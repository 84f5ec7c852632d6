#pragma once
// The status tree: what the agent knows, as files (docs/formats.md, "Status branch"). A pure
// function of state: the same state gives the same bytes, so nothing changed means no commit.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/diagnostic.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::status {

struct ObjectStatus {
  ObjectKey key;
  Provenance declared;         // where the watched branch declares it; empty path: nowhere
  std::string declared_hash;   // empty when the declaration is not valid
  std::string applied_commit;  // of the generation that runs
  std::string applied_path;
  std::string applied_hash;
  Phase phase = Phase::Pending;
  std::string reason;
  std::string message;
  std::vector<Condition> conditions;
  Document ray;
  WallTime since;    // of phase and reason
  std::string next;  // what a person can do, or empty
};

// path -> content
using Tree = std::map<std::string, std::string>;

struct StatusFacts {
  std::string agent_id;
  std::string agent_version;
  std::string branch;           // watched
  std::string observed_commit;  // newest seen
  std::string accepted_commit;  // acted on
  std::string hold_id;
  std::string hold_message;
  std::string source_problem;           // why no new commit can be acted on, or empty
  std::vector<ObjectStatus> objects;    // in order of key
  Tree ledger;                          // files of the job ledger, as they are to stand
  std::vector<Diagnostic> diagnostics;  // of the observed commit, in order of path, line, column
};

inline constexpr std::size_t k_message_bytes_max = 1024;
inline constexpr std::size_t k_readme_bytes_max = std::size_t{64} * 1024;

Tree render_tree(const StatusFacts& facts);

// Safe on every file system: what is not in [a-z0-9.-] becomes "~" and two hexadecimal digits, as
// does a leading dot. '/' separates.
std::string escape_path(const std::string& path);
std::string object_path(const ObjectKey& key);
// The page on what is wrong with a file. No folder of such pages ends in ".md", so that none has
// the name of a page.
std::string error_path(const std::string& path);

// What the tip said of an object before this process started.
struct PublishedPhase {
  std::string phase;
  std::string reason;
  WallTime since;
};

// From the object files of a tree; files that cannot be read are left out.
std::map<std::string, PublishedPhase> read_published(const Tree& tree);

}  // namespace ray_gitops::status
