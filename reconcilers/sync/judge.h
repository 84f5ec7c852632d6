#pragma once
// What of a commit is acted on: which objects it removes, and what waits for a release.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/object_key.h"

namespace ray_gitops::sync {

// A commit that removes or restarts more than `objects` objects and more than `percent` of them is
// held.
struct GuardSettings {
  int objects = 5;
  int percent = 30;
};

// What the guard compares of an object: the hashes whose change restarts pods, by group.
using RestartHashes = std::map<std::string, std::string>;

RestartHashes restart_hashes(const Declaration& declaration);

struct CommitFacts {
  std::string commit;
  std::string message;   // of the commit: may carry Ray-Gitops-Release trailers
  std::string accepted;  // the commit acted on before; empty for the first one
  bool descends_from_accepted = true;
  std::map<ObjectKey, RestartHashes> wanted;  // valid declarations
  std::set<ObjectKey> named;  // in a file, but not valid or in two files: not absent
  // The first file that could not be understood far enough to know what it declares. While there
  // is one, what no other file declares is Unknown, not absent.
  std::optional<std::string> opaque_file;
};

struct LiveFacts {
  std::map<ObjectKey, RestartHashes> objects;  // by their anchors, and companions we applied
  std::set<ObjectKey> approved_removals;       // approved by an earlier commit and still under way
};

struct Verdict {
  bool acted_on = true;             // false: the commit does not descend from the accepted one
  std::vector<ObjectKey> removals;  // sorted; absent and approved
  std::vector<ObjectKey> held;      // sorted; removals and restarts that wait for a release
  std::string hold_id;              // 12 hexadecimal digits of what would be done; empty: no hold
  std::string message;              // one sentence on what is held and how to release it, or empty
};

inline constexpr const char* k_release_trailer = "Ray-Gitops-Release";

// Pure and total. The same commit judged again over the same live objects gives the same id. A
// namespace is never removed.
Verdict judge(const CommitFacts& commit, const LiveFacts& live, const GuardSettings& settings);

}  // namespace ray_gitops::sync
