#pragma once
// The object store of the local cluster: what kube-apiserver, etcd and the controllers of garbage
// collection, EndpointSlices and namespaces do for the resource types of resource_types.h, as one
// pure value: no clock, file, thread or randomness. The server puts HTTP and a disk around it, the
// kubelet and the simulation call it directly.
//
// Objects are whole Kubernetes objects as JSON. Every change takes the next revision, which is also
// the object's resourceVersion, and appends one Change to a bounded history.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/local_cluster/store/api.h"
#include "agent/local_cluster/store/api_error.h"
#include "agent/local_cluster/store/resource_types.h"
#include "agent/local_cluster/store/selectors.h"
#include "agent/local_cluster/store/service_network.h"
#include "reconcilers/model/document.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::local_cluster {

// Changes kept for watches to resume from; a watch from before them is answered Expired.
constexpr std::size_t k_history_changes_max = 4096;
// Of one object, as canonical JSON (etcd's default limit of a request is 1.5 MiB).
constexpr std::size_t k_object_bytes_max = 1536UL * 1024;

// How long an Event is kept after it was last seen, as the real server keeps it.
constexpr Duration k_event_lifetime{3'600'000};

struct StoreKey {
  std::string plural;  // "pods"
  std::string ns;      // empty for types without namespace
  std::string name;
  auto operator<=>(const StoreKey&) const = default;
};

enum class ChangeType : std::uint8_t { Added, Modified, Deleted };

struct Change {
  std::int64_t revision = 0;
  ChangeType type = ChangeType::Added;
  StoreKey key;
  Document object;    // as it is now; of a deletion the last state, with the deletion's revision
  Document previous;  // as it was before; null for Added
};

struct WatchEvent {
  ChangeType type = ChangeType::Added;
  Document object;
};

// How a change looks to a watch: an object that comes into the selection is Added, one that leaves
// it Deleted; nullopt when the change is outside of it.
std::optional<WatchEvent> event_for(const Change& change, const Selection& selection);

struct ListPage {
  std::vector<Document> items;                  // by namespace, then name
  std::int64_t revision = 0;                    // of the list: watch from here
  std::string continue_token;                   // empty on the last page
  std::optional<std::int64_t> remaining_items;  // unknown where selectors choose
};

struct PageRequest {
  std::size_t limit = 0;  // 0: no limit
  std::string continue_token;
};

struct WriteOptions {
  WallTime now;
  std::string field_manager = {};  // never empty for apply
  bool force = false;              // apply takes fields of other managers
  bool dry_run = false;            // everything but the change itself
};

enum class Propagation : std::uint8_t { Background, Foreground, Orphan };

struct DeleteOptions {
  WallTime now;
  std::string uid = {};  // preconditions; empty: not checked
  std::string resource_version = {};
  std::optional<std::int64_t> grace_period_seconds = std::nullopt;
  Propagation propagation = Propagation::Background;
  bool dry_run = false;
};

struct Deletion {
  Document object;    // the last state; when it is gone with the revision of that
  bool gone = false;  // false: terminating, until the kubelet or a finalizer's owner lets it go
};

struct StoreOptions {
  std::uint64_t uid_seed = 0;  // uids are a function of this and a counter
  std::size_t history_changes_max = k_history_changes_max;
  bool keeps_unsaved = false;  // collect what take_unsaved() hands out
};

// What changed since the last take_unsaved(); nullopt is a deletion.
struct Unsaved {
  std::int64_t revision = 0;
  std::map<StoreKey, std::optional<Document>> objects;
};

// The digits of a resourceVersion; nullopt for anything else.
std::optional<std::int64_t> parse_revision(std::string_view text);
// Is its deletionTimestamp set?
bool is_terminating(const nlohmann::json& object);

class Store {
 public:
  explicit Store(StoreOptions options = {});

  // Before anything else: what an earlier run saved. Watches from before are answered Expired.
  void restore(std::int64_t revision, const std::vector<Document>& objects);

  // The namespaces every cluster has (default, kube-system), where they are missing.
  void bootstrap(WallTime now);

  // The whole API as one call: everything of the REST subset but watches, logs and discovery.
  ApiAnswer handle(const ApiRequest& request, WallTime now);

  // --- reading
  std::int64_t revision() const { return revision_; }
  // Null Document when there is none.
  Document find(const StoreKey& key) const;
  ApiResult<Document> get(const StoreKey& key) const;
  std::vector<Document> list(const Selection& selection) const;
  ApiResult<ListPage> list_page(const Selection& selection, const PageRequest& page) const;
  // Every change after `revision`, in order; Expired when the history no longer reaches back.
  ApiResult<std::vector<Change>> changes_since(std::int64_t revision) const;

  // --- writing. Each answers the object as it is afterwards.
  // metadata.namespace of the object must be the key's or absent; generateName is honoured.
  ApiResult<Document> create(const StoreKey& key, const nlohmann::json& object,
                             const WriteOptions& options);
  ApiResult<Document> update(const StoreKey& key, const nlohmann::json& object,
                             const WriteOptions& options);
  // Only `status` of the object counts.
  ApiResult<Document> update_status(const StoreKey& key, const nlohmann::json& object,
                                    const WriteOptions& options);
  // Server-side apply: creates or merges. `created` tells which.
  struct Applied {
    Document object;
    bool created = false;
  };
  ApiResult<Applied> apply(const StoreKey& key, const nlohmann::json& object,
                           const WriteOptions& options);
  ApiResult<Document> apply_status(const StoreKey& key, const nlohmann::json& object,
                                   const WriteOptions& options);
  // RFC 7386; to the whole object, or with `status` to its status only.
  ApiResult<Document> merge_patch(const StoreKey& key, const nlohmann::json& patch,
                                  const WriteOptions& options, bool status = false);
  ApiResult<Deletion> remove(const StoreKey& key, const DeleteOptions& options);

  // --- for the kubelet
  // NotFound when the pod is gone or is another one of that name.
  ApiResult<Document> bind_pod(const StoreKey& pod, const std::string& uid, const std::string& node,
                               WallTime now);
  // Replaces `status` of any object; an equal one is no change.
  ApiResult<Document> set_status(const StoreKey& key, const std::string& uid,
                                 const nlohmann::json& status, WallTime now);
  // The pod's processes are gone: removes the terminating pod (finalizers are still honoured).
  ApiResult<Deletion> finish_pod(const StoreKey& pod, const std::string& uid, WallTime now);

  // --- what the controllers of a real cluster do, as steps. Repeating one is harmless.
  // Deletes objects whose owners are all gone; answers what it deleted or set to terminating.
  std::vector<StoreKey> collect_garbage(WallTime now);
  // EndpointSlices of the Services whose pods, selector or ports changed.
  void update_endpoints(WallTime now);
  // Empties terminating namespaces and lets them go.
  void finish_namespaces(WallTime now);
  // Deletes Events that are too old; looks once a minute at most.
  void expire_events(WallTime now);
  // All of them until nothing is left to do.
  void settle(WallTime now);

  // --- persistence
  Unsaved take_unsaved();

 private:
  std::int64_t count_after(const Selection& selection, const StoreKey& last) const;
  using Objects = std::map<StoreKey, Document>;

  // The one place where an object changes: revision, indices, history, unsaved, work for the steps.
  Document commit(const StoreKey& key, nlohmann::json object);
  // Its last state, with the revision of the deletion.
  Document commit_removal(const StoreKey& key);
  void record(Change change);
  void index(const StoreKey& key, const Document& object);
  void unindex(const StoreKey& key, const Document& object);
  void note_work(const Change& change);
  void note_endpoint_work(const Change& change);
  std::string next_uid();
  std::string generate_name(const std::string& prefix, const StoreKey& key);

  // The end of every change to an existing object: what nobody may change is kept, the rest is
  // defaulted and validated; equal is no change; the last finalizer gone is a removal.
  ApiResult<Document> finish_write(const StoreKey& key, nlohmann::json next, const Document& live,
                                   const WriteOptions& options);
  ApiResult<Document> finish_create(const StoreKey& key, nlohmann::json object,
                                    const WriteOptions& options);
  std::optional<ApiError> check_namespace_open(const StoreKey& key) const;
  std::optional<ApiError> allocate_addresses(const StoreKey& key, nlohmann::json& object,
                                             const nlohmann::json& live) const;
  // Nothing holds the terminating object any longer: no finalizer, no running process.
  static bool may_go(const nlohmann::json& object);
  void orphan_dependents(const std::string& owner_uid, WallTime now);
  bool is_garbage(const StoreKey& key, const nlohmann::json& object) const;
  void update_endpoints_of(const StoreKey& service, WallTime now);
  void finish_namespace(const std::string& name, WallTime now);

  StoreOptions options_;
  std::int64_t revision_ = 0;
  std::uint64_t uid_count_ = 0;
  Objects objects_;
  std::deque<Change> history_;
  std::int64_t oldest_revision_ = 0;  // changes after this one are in the history
  std::map<std::string, StoreKey> uids_;
  std::map<std::string, std::set<StoreKey>> dependents_;  // owner uid -> who refers to it
  std::set<StoreKey> garbage_suspects_;
  std::set<StoreKey> stale_services_;
  std::set<std::string> terminating_namespaces_;
  ServiceNetwork service_network_;
  WallTime events_looked_at_;
  std::map<StoreKey, std::optional<Document>> unsaved_;
};

}  // namespace ray_gitops::local_cluster
