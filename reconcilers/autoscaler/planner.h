#pragma once
// One cluster's autoscaling decision: how many replicas each group shall have, and which pods may
// leave. Pure: everything it knows is in PlannerInput, and nothing outlives it.
//
// How the engine calls it, for each cluster with autoscaling, when a head has answered or something
// changed, and at most once a second:
//  1. plan(input) with the targets and removals of the cluster's anchor. It is called only while
//     pods and head are known: a read that failed is no empty answer.
//  2. admit(...) (scale_down.h) turns its wishes into removals, within the limits.
//  3. ScaleState (the targets and the removals) is saved in the anchor when it has changed, before
//     anything that follows from it: pods are created for saved targets only, drains are sent and
//     pods are deleted for saved removals only.
//  4. advance(...) (scale_down.h) says which drains to send, which pods to delete, what is given
//  up.
//  5. make_report(...) (report.h) is sent to the head.
// A pod of a group is created while the group has fewer pods that are not leaving than its target
// says, and fewer in all than its maximum. No pod is deleted because a group has more: only a
// removal does that.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconcilers/autoscaler/scheduler.h"
#include "reconcilers/model/autoscaling.h"
#include "reconcilers/model/declaration.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::autoscaler {

// A larger maximum of a group counts as this many pods.
inline constexpr std::int64_t k_group_pods_max = 20'000;

// A worker group as the file declares it. Capacity and labels: group_capacity.h.
struct Group {
  std::string name;
  ResourceAmounts capacity;  // of one pod
  std::map<std::string, std::string> labels;
  std::int64_t replicas_min = 0;
  std::int64_t replicas_max = 2147483647;
  std::int64_t hosts = 1;  // numOfHosts: pods of a replica, which come and leave together
  std::optional<Duration> idle_timeout;  // idleTimeoutSeconds of the group
  std::int64_t priority = 0;
  bool suspended = false;
  // What policies ask for beside replicas_min, where there is room for it: at least `kept`
  // replicas, and `warm` more than are in use; and who asks.
  std::int64_t kept = 0;
  std::string kept_by;
  std::int64_t warm = 0;
  std::string warm_by;
  PodAmounts charge;  // what one of its pods requests of Kubernetes
  // Why its pods cannot be had now (quota, unschedulable, failing), to follow the group's name:
  // "is short of nodes: 0/3 nodes are available". Its demand is planned elsewhere. Or empty.
  std::string backed_off;
};

struct GroupTarget {
  std::int64_t replicas = 0;
  // It is the file's `replicas`, and nothing has been decided since: pods that are not made yet are
  // wanted whether there is demand or not.
  bool initial = true;
  friend bool operator==(const GroupTarget&, const GroupTarget&) = default;
};

// A worker pod that the cluster's anchor owns.
struct WorkerPod {
  std::string name;
  std::string uid;
  std::string group;
  std::string replica;  // of a group with several hosts: which of its pods belong together
  std::string ip;
  bool ready = false;
  bool terminating = false;  // it has a deletionTimestamp
  bool ended = false;        // Succeeded or Failed, or its Ray container has and stays so
};

struct PlannerOptions {
  UpscalingMode upscaling = UpscalingMode::Default;
  Duration idle_timeout = std::chrono::seconds(60);  // autoscalerOptions.idleTimeoutSeconds
  bool conserve_gpu_nodes = true;
};

// What a cluster's new pods may request in all.
struct Allowance {
  PodAmounts room;  // what is not named has no limit
  std::string why;  // to follow the name of a group that it keeps from growing
};

struct PlannerInput {
  std::vector<Group> groups;  // in the file's order, which breaks ties
  // Saved ones. For a new group the engine saves {the file's replicas, true} first: one without a
  // target gets what its minimum and demand ask for.
  std::map<std::string, GroupTarget> targets;
  std::vector<WorkerPod> pods;
  RayResourceState state;
  std::set<std::string> removing;  // pods of saved removals
  // Pods whose drain the head refused lately, and why that counts until then.
  std::map<std::string, std::string> refused;
  // For what demand and policies ask for; the file's own minima have no such limit.
  std::optional<Allowance> allowance;
  PlannerOptions options;
};

struct GroupDecision {
  GroupTarget target;
  std::string reason;  // one sentence, also when nothing changes
};

// A pod that should leave. It does so only as a removal (scale_down.h).
struct RemovalWish {
  std::string pod;
  std::string uid;
  std::string group;
  std::string replica;  // wishes of one replica are admitted together; empty: alone
  std::string node_id;  // empty: it is no Ray node
  DrainReason drain = DrainReason::IdleTermination;
  std::string reason;
};

struct PodReason {
  std::string pod;
  std::string reason;
};

// Pods that are wanted together or not at all: one of them, or all that a placement group or
// request_resources() needs.
struct Want {
  PodAmounts amounts;      // of one
  std::int64_t count = 1;  // so many alike, each on its own
  friend bool operator==(const Want&, const Want&) = default;
};

struct PlannerDecision {
  std::map<std::string, GroupDecision> groups;  // of every group in the input
  // What was decided to be launched, but for the file's minima, in the order of the decisions.
  std::vector<Want> wants;
  std::vector<RemovalWish> removals;      // in order of pod
  std::vector<PodReason> kept;            // worker pods that stay, and why; likewise
  std::vector<UnplacedRequest> requests;  // demand that has no place, and why
  std::vector<UnplacedGang> gangs;
  std::vector<UnplacedConstraint> constraints;
};

// Decides as Ray's v2 scheduler does (scheduler.h), with these differences:
// demand is not planned onto pods that leave; a target that is not pods yet and that nothing needs
// any more is given up; replicas of several hosts are units; what is merely limited now is told
// apart from what no group could ever hold. A target is never above the group's maximum and never
// below its minimum; what demand adds has a place below the maximum beside what is leaving. The
// order of pods, and of what the head said, makes no difference.
PlannerDecision plan(const PlannerInput& input);

// The Ray nodes that are not dead and belong to the pod, by name or, without one, by ip.
std::vector<const RayNode*> nodes_of(const WorkerPod& pod, const RayResourceState& state);

}  // namespace ray_gitops::autoscaler
