#pragma once
// Removing worker pods without killing work. A pod leaves in these steps, each of which may be the
// last thing that happens before a crash:
//  1. its removal is saved in the anchor (admit);
//  2. DrainNode is sent to the head (advance: drains). The head refuses when the node of an idle
//     removal is not idle any more;
//  3. a later snapshot of the same session shows that very node draining without work, dead or
//  gone; after a drain that a head never refuses, one that is later than what began before it;
//  4. the pod is deleted, with its uid (advance: deletions);
//  5. the removal is forgotten when no pod has that uid (advance: state).
// After a crash the saved removal is looked at anew: a drain that may have been sent is sent again
// while the node still runs, which is harmless. What is only in memory (Talk, Guard) may be lost.
// No pod is deleted while the head does not answer, after its session changed, when its node runs
// undrained, or when another node claims the pod.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/autoscaler/planner.h"
#include "reconcilers/model/document.h"
#include "reconcilers/model/fact.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::autoscaler {

struct Removal {
  std::string pod;
  std::string uid;
  std::string group;
  std::string replica;       // those of one replica leave together; empty: alone
  std::string node_id;       // empty: it was no Ray node
  std::string session;       // of the snapshot that it was decided on
  std::int64_t version = 0;  // likewise: only a later one says that the node is gone
  DrainReason drain = DrainReason::IdleTermination;
  WallTime decided_at;
  std::string reason;
  friend bool operator==(const Removal&, const Removal&) = default;
};

// What the cluster's anchor keeps for the autoscaler. Saved before anything that follows from it.
struct ScaleState {
  std::map<std::string, GroupTarget> targets;  // by group
  std::vector<Removal> removals;               // in order of pod
  friend bool operator==(const ScaleState&, const ScaleState&) = default;
};

Document scale_state_document(const ScaleState& state);
// InvalidInput names what cannot be read: nothing is known of removals under way then, and none may
// be begun.
Result<ScaleState> parse_scale_state(const Document& document);

// --- how much may leave at once ---

inline constexpr Duration k_freeze = std::chrono::seconds(60);
inline constexpr Duration k_removal_window = std::chrono::seconds(10);
// Of the workers, in one window; always at least one.
inline constexpr std::int64_t k_removal_share_divisor = 10;
// More ready pods than this share without a Ray node: what the head says is not believed.
inline constexpr std::int64_t k_unseen_share_divisor = 3;

// Since when things are as they are; kept in memory.
struct Guard {
  Instant agent_started_at;
  std::optional<Instant> session_seen_at;  // when the head's present session was first seen
  std::optional<Instant> read_failed_at;   // the last failed read of pods or head
  std::vector<Instant> admitted;           // removals of the last window, one entry for each pod
};

// Why nothing may begin to leave now, one sentence; nullopt when it may.
std::optional<std::string> freeze_reason(const Guard& guard, const std::vector<WorkerPod>& pods,
                                         const RayResourceState& state, Instant now);

struct Admission {
  std::vector<Removal> removals;   // to be added to the saved ones; sorted
  std::vector<PodReason> waiting;  // wishes that wait, and why
};

// Which wishes become removals now. Pods of one replica are admitted together, also where that is
// more than the window's share, if nothing else was. Pods without a Ray node have nothing to lose
// and are not held back by the share. `saved` removals are not admitted again. The caller adds an
// Instant to guard.admitted for each.
Admission admit(const std::vector<RemovalWish>& wishes, const std::vector<Removal>& saved,
                const std::vector<WorkerPod>& pods, const RayResourceState& state,
                const Guard& guard, Now now);

// --- what happens to removals ---

inline constexpr Duration k_drain_answer_max = std::chrono::seconds(30);
inline constexpr Duration k_drain_budget = std::chrono::minutes(10);  // of running work
// What a snapshot says of a node's work was so at most this long before; nodes report each second.
inline constexpr Duration k_report_age_max = std::chrono::seconds(3);
inline constexpr Duration k_snapshot_age_max = std::chrono::seconds(5);
// How long the planner leaves a node alone that refused: half its idle timeout, at least this.
inline constexpr Duration k_refusal_least = std::chrono::seconds(30);

// The drain of one removal, as far as this life of the agent knows.
struct Talk {
  Instant sent_at;
  std::optional<DrainReply> reply;
};

struct ScaleDownInput {
  std::vector<Removal> removals;      // the saved ones
  Fact<std::vector<WorkerPod>> pods;  // all of the cluster's
  Fact<RayResourceState> state;       // Unknown: the head does not answer
  Instant state_seen_at;              // when it was received
  std::map<std::string, Talk> talks;  // by pod
  Now now;
};

struct PodDeletion {
  std::string pod;
  std::string uid;
  std::string reason;
};

struct GivenUp {
  std::string pod;
  std::string reason;
  bool refused = false;  // by the head: leave it alone for a while (k_refusal_least)
};

struct ScaleDownStep {
  // The removals as they are now: to be saved when they differ, before `drains` are sent.
  std::vector<Removal> removals;
  std::vector<DrainRequest> drains;    // in order of pod; talks of their pods begin anew
  std::vector<std::string> drained;    // the pods of `drains`, likewise
  std::vector<PodDeletion> deletions;  // in order of pod
  std::vector<GivenUp> given_up;
  std::vector<PodReason> waiting;
};

ScaleDownStep advance(const ScaleDownInput& input);

}  // namespace ray_gitops::autoscaler
