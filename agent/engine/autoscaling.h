#pragma once
// Conversations with the GCS of Ray heads whose clusters scale with their demand, and what was
// decided last. Decides nothing itself: reconcilers/autoscaler does, over what is kept here.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/engine/event.h"
#include "agent/engine/parts.h"
#include "reconcilers/autoscaler/fleet.h"
#include "reconcilers/autoscaler/round.h"
#include "reconcilers/autoscaler/trouble_memory.h"
#include "reconcilers/model/autoscaling.h"
#include "reconcilers/model/declaration.h"
#include "reconcilers/model/gcs.h"
#include "reconcilers/raycluster/observed.h"

namespace ray_gitops::engine {

class Autoscaling {
 public:
  // A head is asked after k_poll_least, or, where there are many, less often: every k_poll_active
  // while its cluster has demand or changes, every k_poll_quiet once it has been quiet for
  // k_quiet_after. In between all heads together get about so many questions a second.
  static constexpr Duration k_poll_least = std::chrono::milliseconds(500);
  static constexpr Duration k_poll_active = std::chrono::seconds(1);
  static constexpr Duration k_poll_quiet = std::chrono::seconds(5);
  static constexpr std::int64_t k_polls_active_per_second = 200;
  static constexpr std::int64_t k_polls_quiet_per_second = 20;
  static constexpr Duration k_quiet_after = std::chrono::seconds(60);
  // Heads of quiet clusters are asked this part of their pause early, together with one whose turn
  // it is: waking up costs more than asking.
  static constexpr std::int64_t k_early_part = 20;
  // Of the drains of one cluster; the next ones follow their answers.
  static constexpr std::size_t k_drains_in_flight_max = 8;

  // What AutoscalerPolicies say of all clusters.
  autoscaler::Fleet& fleet() { return fleet_; }
  // When their schedules may change what decide() says; nullopt: never.
  Deadline policies_change_at(Now now);
  // Of a cluster that does not scale: policies count its pods. `observed` has known pods.
  void note_fixed(const Declaration& declaration, const ClusterObserved& observed);

  // What the round of a cluster says of its size. `observed` has a known anchor and pods; nothing
  // is asked of the head before send().
  ClusterScaling decide(const Declaration& declaration, const ClusterObserved& observed, Now now);
  // Asks and tells the head what follows from the decision.
  void send(const ObjectKey& cluster, Now now, Effects& effects);
  // The cluster of which the answer may change something; nullopt: nothing has changed, or nobody
  // waits for the answer any more.
  std::optional<ObjectKey> on(const GcsAnswered& event, Now now, Effects& effects);
  // Asks the heads whose turn it is: most answers say what the last one said, and cost no look at
  // their clusters.
  void pump(Now now, Effects& effects);
  // The next such turn.
  Deadline deadline() const;

  // Why the cluster's groups are as large as they are; null before the first decision. Changes only
  // with the decisions themselves: no numbers that pass by.
  Document summary_of(const ObjectKey& cluster) const;
  // A pod that leaves because it is not needed has not failed.
  bool is_leaving(const ObjectKey& cluster, const std::string& pod_uid) const;
  void forget(const ObjectKey& cluster);

 private:
  struct Talk {
    std::string head_uid;
    std::string address;       // of its GCS; empty: it cannot be asked now
    ResourceKey token_secret;  // see GcsRequest
    std::optional<RayResourceState> state;
    Instant state_seen_at;
    std::string silence;  // why there is none
    std::string session;  // of the last answer
    bool asking = false;
    int silences = 0;  // in a row
    Instant ask_at;
    Deadline queued;  // as in due_
    Instant active_at;
    bool is_restless = true;  // time alone may change what is decided
    bool waits = false;       // for a place in its tenant's quota
    bool has_news = false;    // an answer that was not planned over
    std::string planned_of;   // spec hash
    std::map<std::string, autoscaler::GroupPolicy> planned_by;
    std::uint64_t planned_at_revision = 0;  // of the fleet's policies
    // Resource version of the anchor that the last plan was to change, and had not yet.
    std::optional<std::string> unsaved_of;
    autoscaler::Guard guard;
    std::map<std::string, autoscaler::Talk> drains;  // by pod
    std::vector<std::pair<std::string, DrainRequest>> drains_to_send;
    std::map<std::string, std::pair<Instant, std::string>> refused;  // by pod: until when, why
    autoscaler::TroubleMemory troubles;
    std::map<std::string, WallTime> troubled_since;  // by group
    std::set<std::string> leaving;                   // uids
    std::optional<ClusterShape> shape;               // to be told, and
    bool shape_told = false;
    std::optional<AutoscalingReport> report;  // likewise
    bool report_told = false;
    bool telling = false;
    std::map<std::string, std::pair<std::int64_t, std::string>> groups;  // target, and why it is so
    std::vector<std::string> unplaced;                                   // sentences
  };
  // What a request under way is about.
  struct Asked {
    ObjectKey cluster;
    std::string head_uid;
    std::string drained_pod;  // of a drain
    bool is_state = false;
  };

  void meet(Talk& talk, const RayClusterSpec& spec, const ClusterObserved& observed, Now now);
  autoscaler::Round decide_within_allowance(Talk& talk, const Declaration& declaration,
                                            autoscaler::RoundInput& input);
  static autoscaler::RoundInput input_for(Talk& talk, const Declaration& declaration,
                                          const ClusterObserved& observed, Now now);
  static void take_step(Talk& talk, const autoscaler::RoundInput& input,
                        const autoscaler::Round& round);
  static void take_decision(Talk& talk, const autoscaler::RoundInput& input,
                            const autoscaler::Round& round);
  void ask(const Talk& talk, Asked asked, decltype(GcsRequest::body) body, Effects& effects);
  std::vector<ObjectKey> whose_turn(Now now) const;
  void ask_state(const ObjectKey& cluster, Talk& talk, Now now, Effects& effects);
  void send_drains(const ObjectKey& cluster, Talk& talk, Now now, Effects& effects);
  void tell(const ObjectKey& cluster, Talk& talk, Effects& effects);
  // Whether anything has changed by that.
  bool learn_state(Talk& talk, const Result<GcsReply>& reply, Now now) const;
  Duration poll_pause(bool is_quiet) const;
  void queue(const ObjectKey& cluster, Talk& talk);

  std::uint64_t next_id_ = 1;
  std::optional<Instant> started_at_;
  std::map<ObjectKey, Talk> talks_;
  std::set<std::pair<Instant, ObjectKey>> due_;  // whom to ask next
  autoscaler::Fleet fleet_;
  std::map<std::uint64_t, Asked> under_way_;
};

}  // namespace ray_gitops::engine
