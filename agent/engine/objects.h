#pragma once
// Every object the agent cares for: what is wanted of it, what was decided last, what to say.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/engine/autoscaling.h"
#include "agent/engine/cache.h"
#include "agent/engine/heads.h"
#include "agent/engine/options.h"
#include "agent/engine/parts.h"
#include "agent/engine/publisher.h"
#include "agent/engine/source.h"
#include "agent/engine/targets.h"
#include "agent/engine/turns.h"
#include "agent/engine/writes.h"
#include "reconcilers/manifest/anchor.h"
#include "reconcilers/model/declaration.h"
#include "reconcilers/raycluster/observed.h"
#include "reconcilers/raycluster/reconcile.h"
#include "reconcilers/rayjob/observed.h"
#include "reconcilers/rayservice/observed.h"
#include "reconcilers/status/tree.h"
#include "reconcilers/sync/companion.h"
#include "reconcilers/sync/judge.h"

namespace ray_gitops::engine {

class Objects {
 public:
  Objects(const EngineOptions& options, Cache& cache, Writes& writes, Heads& heads,
          Autoscaling& autoscaling, Publisher& publisher);

  // From now on this commit is what users want. `hold_message` is shown with what `state` holds.
  void accept(const LoadedCommit& commit, const AgentState& state, const std::string& hold_message);

  // Before a commit has been read: removals that were approved go on.
  void foresee(const AgentState& state);
  // Something of ours has turned up that the commit in force was not judged over: it is not
  // declared, not held, and its removal is not approved.
  bool has_unjudged() const { return !unjudged_.empty(); }

  // The cache changed: marks whose object that is, and counts pods that failed.
  void on_change(const ResourceView* before, const ResourceView* after, Now now);
  // A write or read of this target was answered.
  // `written`: the object as our write left it; null when it was none, or failed.
  void on_answer(const ResourceKey& target, const ResourceView* written, Now now);
  // A Ray head answered about the job, or about Serve on the cluster.
  void on_ray_answer(const ObjectKey& topic);
  // A Ray head's GCS answered about its cluster.
  void on_gcs_answer(const ObjectKey& cluster);
  // What is on record in the ledger may have changed.
  void look_at_jobs();
  // Everything is looked at again: the first complete lists, the lease.
  void look_at_all();

  // Reconciles what is due. Writes are sent only when `may_write`, as many as there is room for;
  // who has more to write goes on in its turn.
  void pump(Now now, bool may_write, Effects& effects);
  Deadline deadline() const;

  // What the guard compares: anchored objects, and companions that `state` says we applied.
  sync::LiveFacts live_facts(const AgentState& state, const LoadedCommit& commit);
  std::vector<status::ObjectStatus> statuses(Now now);
  // How many of them there are; and plans made since the start.
  std::map<std::pair<Kind, Phase>, std::size_t> count_by_phase() const;
  const std::map<Kind, std::uint64_t>& reconciles() const { return reconciles_; }
  // Runs that the live anchors of jobs say have ended.
  std::map<ObjectKey, FinishedRuns> finished_runs() const;

 private:
  // What an object is reconciled against.
  enum class Basis { Declared, LastGood, Removal, Nothing };

  // Said instead of what the plan says, where the file is not what runs.
  struct Overlay {
    Phase phase = Phase::Blocked;
    std::string reason;
    std::string message;
    std::string next;
  };

  struct Choice {
    Basis basis = Basis::Nothing;
    std::optional<Overlay> overlay;
  };

  // What the commit in force wants of an object.
  struct Wish {
    std::optional<Declaration> declared;
    std::optional<Diagnostic> invalid;  // named in a file, with the first thing wrong there
    Provenance place;
    bool held = false;
    bool removal_approved = false;
    bool in_inventory = false;  // a companion that we may have applied, and so may remove
  };

  // What the agent did with a companion since its start.
  struct CompanionHistory {
    // What our field manager owned after our last write, or at first sight; nullopt: never seen.
    std::optional<std::string> fields;
    std::vector<Instant> repairs;  // see CompanionObserved
    std::string repaired_hash;     // the generation that they were of
    bool repairing = false;        // the write under way is one
  };

  struct Record {
    Wish wish;
    std::optional<Declaration> last_good;  // from the anchor
    std::string last_good_of;              // the anchor's uid and spec hash it was read from
    std::map<std::string, PodFailures> failures;
    std::set<std::string> lost_replicas;  // see ClusterObserved
    bool was_ready = false;
    CompanionHistory companion;
    // Of a cluster made for a job or a service: why it leaves, as its parent's last plan said;
    // empty: it stays. nullopt before the first one, and nothing is done with it until then.
    std::optional<std::string> retired;
    std::optional<ClusterFacts> shown_to_watchers;
    FinishedRuns told_ledger;  // of a job: what the publisher was last told of
    status::ObjectStatus status;
    Deadline due;        // next look by time alone; the same as in due_
    Instant rests_till;  // no look before: see rest_after_look
  };

  bool is_unjudged(const ObjectKey& key, const Record& record) const;
  static bool is_same(const Wish& left, const Wish& right);
  void mark(const ObjectKey& key);
  void look_at(const ObjectKey& key, Record& record, Deadline when);
  void wake_due(Now now);
  void take_turns(Now now, Effects& effects);
  void look(const ObjectKey& key, std::optional<std::size_t> room, Now now, Effects& effects);
  Duration rest_after_look(const ObjectKey& key) const;
  std::optional<ObjectKey> owner_of(const ResourceView& view) const;
  static ObjectKey owner_of_service(const ServiceView& service);
  void wake_cluster_named_as(const ResourceKey& secret);
  void note_lost_host(const PodView& gone, const ObjectKey& key);
  static void forget_lost_replicas(Record& record, const std::vector<PodView>& pods);
  void count_failure(const PodView* before, const PodView& after, const ObjectKey& key, Now now);

  void reconcile(const ObjectKey& key, Record& record, std::optional<std::size_t> room, Now now,
                 Effects& effects);
  Choice choose(const ObjectKey& key, const Record& record) const;
  const Declaration* last_good(const ObjectKey& key, Record& record);
  Plan plan_for(const ObjectKey& key, Record& record, const Choice& choice, std::size_t room,
                Now now);
  Plan plan_cluster(const ObjectKey& key, Record& record, const Choice& choice, std::size_t room,
                    Now now);
  Plan plan_companion(const ObjectKey& key, Record& record, const Choice& choice, Now now);
  sync::CompanionObserved observe_companion(const ObjectKey& key, const Record& record,
                                            const Choice& choice) const;
  std::optional<ObjectKey> companion_of(const ResourceView& view) const;
  void note_written_companion(Record& record, const ResourceView& written, Now now);
  void watch_companions();
  void wake_who_waits_for(const ObjectKey& companion);
  void wake_whom_it_kept(const ObjectKey& companion);
  bool may_be_there(const ObjectKey& companion) const;
  bool is_left_by_companions(const ObjectKey& key) const;
  bool is_prunable(const ObjectKey& key) const;
  Plan plan_job(const ObjectKey& key, Record& record, const Choice& choice, Now now);
  Plan plan_policy(const ObjectKey& key, Record& record, const Choice& choice, Now now);
  void look_at_clusters();
  void tell_policies();
  Plan plan_service(const ObjectKey& key, Record& record, const Choice& choice, Now now);
  ServiceObserved observe_service(const ObjectKey& key);
  Fact<std::map<std::string, ServiceCluster>> observe_service_clusters(
      const ObjectKey& service, const std::vector<ConfigMapView>& children);
  JobObserved observe_job(const ObjectKey& key, Record& record);
  Fact<std::map<std::string, ClusterFacts>> observe_clusters(
      const ObjectKey& job, const Record& record, const std::vector<ConfigMapView>& children);
  std::optional<ClusterFacts> observe_facts(const ObjectKey& key);
  void tell_watchers_of(const ObjectKey& cluster);
  void retire(const ObjectKey& parent, const Plan& plan);
  void forget(const ObjectKey& key);
  void set_retired(const ObjectKey& child, const std::string& why);
  void tell_ledger(Record& record, const JobObserved& observed, Now now);
  static Choice choose_child(const ObjectKey& key, const Record& record);
  static bool is_parent(Kind kind);
  static bool is_child(const ConfigMapView* anchor);
  static Unknown incomplete(ResourceType type);
  void size(const Declaration& declaration, ClusterObserved& observed, Now now);
  static bool scales(const Declaration& declaration, const ClusterObserved& observed);
  static raycluster::Departure departure_of(const Record& record);
  static Plan waiting_for_companions();
  Plan not_yet_known() const;
  Fact<std::optional<ConfigMapView>> observe_anchor(const ObjectKey& key) const;
  ClusterObserved observe_cluster(const ObjectKey& key, const Record& record, Now now) const;
  std::vector<SecretView> secrets_around(const ObjectKey& cluster) const;
  const ConfigMapView* anchor_of(const ObjectKey& key) const;
  std::map<ResourceKey, Refusal> refusals_of(const ObjectKey& key) const;
  std::set<ResourceKey> creates_of(const ObjectKey& key) const;
  Deadline send(const ObjectKey& key, const Plan& plan, std::size_t room, Now now,
                Effects& effects);
  Deadline send_writes(const ObjectKey& key, const Plan& plan, std::size_t room, Now now,
                       Effects& effects);
  void forgive_what_we_made(const ObjectKey& key);
  Deadline forget_stale_refusals(const ObjectKey& key, const Plan& plan, Now now);
  bool waits_for_companions(const ObjectKey& key) const;
  void note(const ObjectKey& key, Record& record, const Choice& choice, const Plan& plan, Now now,
            Effects& effects);
  status::ObjectStatus describe_object(const ObjectKey& key, const Record& record,
                                       const Choice& choice, const Plan& plan) const;
  ObjectKey scaled_cluster(const ObjectKey& key, const Document& ray) const;
  bool is_shown(const ObjectKey& key, const Record& record) const;
  bool is_gone(const ObjectKey& key, const Record& record) const;

  const EngineOptions& options_;
  Cache& cache_;
  Writes& writes_;
  Heads& heads_;
  Autoscaling& autoscaling_;
  Publisher& publisher_;
  std::map<ObjectKey, Record> records_;
  std::set<ObjectKey> dirty_;
  std::set<ObjectKey> unjudged_;
  std::set<std::pair<Instant, ObjectKey>> due_;
  std::map<ObjectKey, std::set<ObjectKey>> watchers_of_;  // by cluster: jobs, services
  Targets targets_;                                       // with a write or refusal
  Turns turns_;
  std::map<Kind, std::uint64_t> reconciles_;
  bool accepted_ = false;  // a commit has been accepted since the start
  std::optional<std::string> opaque_file_;
  std::string hold_message_;
};

}  // namespace ray_gitops::engine
