#pragma once
// What adapters tell the engine. Values only; the adapter that makes one has decided nothing.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "reconcilers/model/gcs.h"
#include "reconcilers/model/object_key.h"
#include "reconcilers/model/ray_head.h"
#include "reconcilers/model/result.h"
#include "reconcilers/model/view.h"

namespace ray_gitops::engine {

// Nothing new: a deadline may have passed.
struct Tick {};

// Somebody asks for a poll now (SIGUSR1).
struct Wake {};

// The agent is asked to end. The engine answers with its last effects.
struct StopRequested {};

// The tips of the two branches the agent cares for; nullopt where the remote has no such branch.
struct RemoteTips {
  std::optional<std::string> source;  // 40 hexadecimal digits
  std::optional<std::string> status;
};

struct RemoteListed {
  Result<RemoteTips> tips;
};

// An entry of the watched folder that is a file with a name we read (.yaml, .yml).
struct SourceFile {
  std::string path;     // from the repository's root, '/' between parts
  std::string blob_id;  // 40 hexadecimal digits
  // The content, when the blob was not in LoadCommit::known_blobs; nullopt otherwise.
  std::optional<std::string> content;
  // Not empty when the entry must not be read: a symbolic link, larger than the limit, a path that
  // leaves the folder. Says why, in one sentence.
  std::string refused;
};

struct SourceTree {
  std::string commit;
  std::string message;            // of the commit, at most 64 KiB
  std::vector<SourceFile> files;  // complete, in byte order of path
  // Does this commit descend from LoadCommit::accepted (or equal it, or was none given)?
  bool descends_from_accepted = true;
};

struct CommitLoaded {
  std::string commit;  // as asked
  Result<SourceTree> tree;
};

// The status branch's tip, read back: path -> content of README.md, summary.json, objects/**,
// ledger/**.
struct StatusTree {
  std::optional<std::string> tip;
  std::map<std::string, std::string> files;
  std::int64_t lease_epoch = 0;  // trailer Lease-Epoch of the tip's message; 0 without one
};

struct StatusLoaded {
  Result<StatusTree> tree;
};

// The answer to PublishStatus: the new tip. Conflict when the branch had moved, Rejected when the
// remote refused the ref (the message is the remote's).
struct StatusPublished {
  Result<std::string> tip;
};

// A complete list of one type, filtered by the agent's label. An incomplete one is a WatchEnded.
// `ns`, here and of watches: that of the StartList or StartWatch.
struct ListCompleted {
  ResourceType type = ResourceType::Pod;
  std::vector<ResourceView> objects;
  std::string resource_version;
  std::string ns = {};
};

struct WatchChanged {
  ResourceType type = ResourceType::Pod;
  bool deleted = false;
  ResourceView object;
  std::string ns = {};
};

// A bookmark: the watch may resume from here.
struct WatchBookmark {
  ResourceType type = ResourceType::Pod;
  std::string resource_version;
  std::string ns = {};
};

// The list or watch of a type ended: Expired asks for a new list, anything else for a new watch
// from the last resource version (or a new list when there is none).
struct WatchEnded {
  ResourceType type = ResourceType::Pod;
  Error error;
  std::string ns = {};
};

// The answer to SendWrite. A Delete answers nullopt when the object is gone at once, else the
// object as it is now. Unavailable means: it may have happened; Expired: it was not sent.
struct WriteAnswered {
  std::uint64_t write_id = 0;
  Result<std::optional<ResourceView>> object;
};

// The answer to SendRead; nullopt when there is no such object.
struct ReadAnswered {
  ResourceKey key;
  Result<std::optional<ResourceView>> object;
};

// The answer to AskRay. Errors: Rejected (the head understood and refuses: a 400), Unavailable (no
// answer, a broken one, or a 5xx: it may have happened). That the head already has a job of the
// id is a success of SubmitJob; that it has none is an empty answer of GetJob, and a success of
// StopJob.
struct RayAnswered {
  std::uint64_t request_id = 0;
  Result<RayReply> reply;
};

// The answer to AskGcs. Errors: NotFound (its Ray has no such method; the first tries may say
// Unavailable instead, see HttpRequest::http2), Rejected (it understood and refuses),
// Unauthenticated, Forbidden, LimitExceeded (more of anything than our limits), Unavailable (no
// answer or a broken one: it may have happened), InvalidInput (not sent: no address, no node id).
struct GcsAnswered {
  std::uint64_t request_id = 0;
  Result<GcsReply> reply;
};

using Event = std::variant<Tick, Wake, StopRequested, RemoteListed, CommitLoaded, StatusLoaded,
                           StatusPublished, ListCompleted, WatchChanged, WatchBookmark, WatchEnded,
                           WriteAnswered, ReadAnswered, RayAnswered, GcsAnswered>;

}  // namespace ray_gitops::engine
