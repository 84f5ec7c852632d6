#pragma once
// One look at one cluster: from what its anchor has saved, its pods and what its head said last, to
// what is to be saved, asked of the head, and deleted.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/autoscaler/planner.h"
#include "reconcilers/autoscaler/scale_down.h"
#include "reconcilers/model/declaration.h"
#include "reconcilers/model/fact.h"
#include "reconcilers/model/view.h"

namespace ray_gitops::autoscaler {

// The groups of the file, in its order. `troubles`: Group::backed_off by group.
std::vector<Group> groups_of(const RayClusterSpec& spec,
                             const std::map<std::string, std::string>& troubles);

// The workers that the anchor owns, of its incarnation, in the order of `pods`.
std::vector<WorkerPod> worker_pods(const std::vector<PodView>& pods, const std::string& anchor_uid,
                                   std::int64_t incarnation);

// What the anchor has saved; nothing of what cannot be read: no removal goes on then.
ScaleState saved_state(const ConfigMapView& anchor);

// Who is asked about the cluster.
struct HeadGcs {
  std::string uid;      // of the head pod
  std::string address;  // of its GCS; empty: it cannot be asked now
  ResourceKey token_secret = {ResourceType::Secret, {}, {}};  // see GcsRequest
};

// Of the anchor's incarnation; nullopt while it has no head.
std::optional<HeadGcs> head_gcs(const RayClusterSpec& spec, const std::vector<PodView>& pods,
                                const ConfigMapView& anchor);

// What policies ask of a group, beside its file.
struct GroupPolicy {
  std::int64_t kept = 0;  // Group::kept, and so on
  std::string kept_by;
  std::int64_t warm = 0;
  std::string warm_by;
  friend bool operator==(const GroupPolicy&, const GroupPolicy&) = default;
};

struct RoundInput {
  const RayClusterSpec* spec = nullptr;
  std::map<std::string, GroupPolicy> policies;  // by group
  std::map<std::string, PodAmounts> charges;    // likewise: Group::charge
  std::optional<Allowance> allowance;
  std::map<std::string, std::string> troubles;
  ScaleState saved;
  std::vector<WorkerPod> pods;
  Fact<RayResourceState> state;  // Unknown: the head does not answer, or was not asked yet
  Instant state_seen_at;
  // Plan anew; without it, targets stay as saved, within the file's bounds. Ignored on Unknown.
  bool plans = false;
  std::map<std::string, Talk> talks;           // by pod
  std::map<std::string, std::string> refused;  // PlannerInput::refused
  Guard guard;
  Now now;
};

struct Round {
  // To be saved when it differs from RoundInput::saved, before anything that follows from it.
  ScaleState next;
  ScaleDownStep step;  // of the saved removals
  // May its drains be sent: all of them follow from what is saved. Else they come again, once their
  // removals have been saved.
  bool drains_are_saved = false;
  std::optional<PlannerInput> planned;  // what was planned over, and
  std::optional<PlannerDecision> decision;
  Admission admission;
};

Round decide_round(const RoundInput& input);

// How many workers each group is to have now: as saved, but no more than the file's maximum, and as
// `next` says of groups that nothing is saved of.
std::map<std::string, std::int64_t> targets_in_force(const RayClusterSpec& spec,
                                                     const ScaleState& saved,
                                                     const ScaleState& next);

// Whether the cluster changes, or is about to: demand without a place, pods that are not Ray nodes
// yet, removals under way.
bool is_active(const RoundInput& input, const Round& round);
// Alike but for what passes by: the version, and how long nodes have been idle.
bool says_the_same(const RayResourceState& left, const RayResourceState& right);
// From an answer to the look that an idle timeout asks for, however many workers' timeouts end one
// after the other.
inline constexpr Duration k_idle_look_least{500};
// From the end of an idle timeout to that look: the answer is to be past the timeout, not at it.
inline constexpr Duration k_idle_look_after{10};
// When to ask again because a worker that is idle, but not for long enough in this answer, will
// have been so, reckoned from when the answer was received. nullopt when there is none.
std::optional<Instant> next_idle_look(const RayClusterSpec& spec, const RayResourceState& state,
                                      Instant state_seen_at);

}  // namespace ray_gitops::autoscaler
