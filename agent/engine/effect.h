#pragma once
// What the engine asks adapters to do. Each is answered by exactly one event of event.h, except
// StartWatch (any number of WatchChanged and WatchBookmark, then one WatchEnded), HoldLease,
// WriteLog and Exit.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "reconcilers/model/gcs.h"
#include "reconcilers/model/object_key.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::engine {

// -> RemoteListed
struct ListRemote {};

// -> CommitLoaded. Fetches the source branch's commit and reads the watched folder of its tree.
struct LoadCommit {
  std::string commit;
  std::string accepted;               // the commit acted on before, or empty
  std::set<std::string> known_blobs;  // contents the engine has parsed already
};

// -> StatusLoaded
struct LoadStatus {
  std::optional<std::string> tip;
};

// -> StatusPublished. Pushes one commit whose tree is exactly `files` with `expected_tip` as its
// only parent (none: an orphan), if the branch still is at `expected_tip`. Conflict when
// `not_after`, the end of the Lease it was decided under, has come before the push leaves.
struct PublishStatus {
  std::optional<std::string> expected_tip;
  std::map<std::string, std::string> files;
  std::string message;
  Instant not_after;
};

// -> ListCompleted, or WatchEnded
struct StartList {
  ResourceType type = ResourceType::Pod;
  std::string ns = {};  // empty: of all namespaces
};

struct StartWatch {
  ResourceType type = ResourceType::Pod;
  std::string resource_version;
  std::string ns = {};  // empty: of all namespaces
};

// Writes decided under this epoch of the Lease may leave until then, and no others. A later one
// replaces it: writes that waited meanwhile are as good as before while the epoch is the same.
struct HoldLease {
  std::int64_t epoch = 0;
  Instant until;
};

// -> WriteAnswered; Expired, and not sent, when the Lease is not held any more in `lease_epoch`.
struct SendWrite {
  std::uint64_t write_id = 0;
  Action action;
  std::int64_t lease_epoch = 0;  // 0: a write of the Lease itself, which needs none
};

// -> ReadAnswered
struct SendRead {
  ResourceKey key;
};

// -> RayAnswered
struct AskRay {
  std::uint64_t request_id = 0;
  RayRequest request;
};

// -> GcsAnswered
struct AskGcs {
  std::uint64_t request_id = 0;
  GcsRequest request;
};

enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error };

struct WriteLog {
  LogLevel level = LogLevel::Info;
  std::string message;                                      // constant text
  std::vector<std::pair<std::string, std::string>> fields;  // names are the status file's
};

// The agent ends with this exit code.
struct Exit {
  int code = 0;
  std::string reason;
};

using Effect =
    std::variant<ListRemote, LoadCommit, LoadStatus, PublishStatus, StartList, StartWatch,
                 HoldLease, SendWrite, SendRead, AskRay, AskGcs, WriteLog, Exit>;

}  // namespace ray_gitops::engine
