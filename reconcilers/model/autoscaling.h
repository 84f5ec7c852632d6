#pragma once
// What a Ray head says about its nodes and its demand, and what is said to it (Ray,
// autoscaler.proto of 2.60): values, no wire format. agent/ray makes and sends them;
// reconcilers/autoscaler decides.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconcilers/model/time.h"

namespace ray_gitops {

// An amount of a resource in Ray's fixed point: ten thousandths of a CPU, a GPU, a byte.
using ResourceUnits = std::int64_t;
inline constexpr ResourceUnits k_units_per_whole = 10'000;
// Larger amounts count as this much (about 230 TiB of memory), so that sums of a few cannot
// overflow.
inline constexpr ResourceUnits k_resource_units_max = ResourceUnits{1} << 61;

// By resource name: "CPU", "GPU", "memory" (bytes), "object_store_memory" (bytes), custom ones,
// "node:<ip>".
using ResourceAmounts = std::map<std::string, ResourceUnits>;

// Rounded to the nearest unit; what is no number or is negative is 0.
ResourceUnits to_units(double amount);
double from_units(ResourceUnits units);
// left + right, at most k_resource_units_max.
ResourceUnits add_units(ResourceUnits left, ResourceUnits right);
// As Ray prints it: "1.0", "0.5", "2147483648.0".
std::string render_units(ResourceUnits units);
// "{'CPU': 1.0, 'GPU': 2.0}", sorted by name: how `ray status` writes a shape.
std::string render_amounts(const ResourceAmounts& amounts);

enum class LabelOperator : std::uint8_t { Unspecified, In, NotIn };

struct LabelConstraint {
  std::string key;
  LabelOperator op = LabelOperator::Unspecified;
  std::set<std::string> values;
  friend auto operator<=>(const LabelConstraint&, const LabelConstraint&) = default;
  friend bool operator==(const LabelConstraint&, const LabelConstraint&) = default;
};

// All of them must hold. Sorted by the decoder, so that equal selectors compare equal.
using LabelSelector = std::vector<LabelConstraint>;

struct LabelPair {
  std::string name;
  std::string value;
  friend auto operator<=>(const LabelPair&, const LabelPair&) = default;
  friend bool operator==(const LabelPair&, const LabelPair&) = default;
};

// Not onto a node that has the label (STRICT_SPREAD), or together with those that name the same
// label (STRICT_PACK).
struct PlacementConstraint {
  std::optional<LabelPair> anti_affinity;
  std::optional<LabelPair> affinity;
  friend auto operator<=>(const PlacementConstraint&, const PlacementConstraint&) = default;
  friend bool operator==(const PlacementConstraint&, const PlacementConstraint&) = default;
};

// What one task, actor or bundle needs.
struct ResourceRequest {
  ResourceAmounts bundle;
  std::vector<PlacementConstraint> placement;  // as Ray sent them
  std::vector<LabelSelector> selectors;        // any one suffices, earlier preferred; order counts
  friend auto operator<=>(const ResourceRequest&, const ResourceRequest&) = default;
  friend bool operator==(const ResourceRequest&, const ResourceRequest&) = default;
};

// How many of each; counts are 1 or more. Equal requests are one entry.
using DemandCounts = std::map<ResourceRequest, std::int64_t>;

// Bundles of one placement group that have no node yet: all of them are placed, or none.
struct GangRequest {
  std::string details;                    // Ray's: "<placement group, hex>:<STRATEGY>|<STATE>"
  std::vector<ResourceRequest> requests;  // of a Ray without bundle selectors
  // Fallbacks in order; with any, only the first counts and `requests` does not.
  std::vector<std::vector<ResourceRequest>> bundle_selectors;
  friend auto operator<=>(const GangRequest&, const GangRequest&) = default;
  friend bool operator==(const GangRequest&, const GangRequest&) = default;
};

// What ray.autoscaler.sdk.request_resources() asked for.
using ClusterConstraint = DemandCounts;

enum class RayNodeStatus : std::uint8_t { Unspecified, Running, Dead, Idle, Draining };

const char* name_of(RayNodeStatus status);  // "RUNNING", as Ray writes it

// A node id is 28 bytes; here and everywhere above the wire it is their hexadecimal text.
inline constexpr std::size_t k_node_id_bytes = 28;
// Lower-case hexadecimal text of that many bytes; Ray accepts a drain of anything else as done.
bool is_node_id(const std::string& text);

struct RayNode {
  std::string node_id;      // 56 hexadecimal digits, lower case
  std::string instance_id;  // the pod's name; empty when it was not started by us: then the ip says
  std::string group;        // ray_node_type_name: the worker group, or "headgroup"
  RayNodeStatus status = RayNodeStatus::Unspecified;
  ResourceAmounts total;  // empty before the node's first report, and of the dead
  ResourceAmounts available;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> dynamic_labels;  // "_PG_<hex>" of the bundles that it holds
  Duration idle{0};                                   // 0 unless it is idle
  std::string ip;
  std::vector<std::string> activity;  // why it is not idle, Ray's words; not safe to publish
  friend bool operator==(const RayNode&, const RayNode&) = default;
};

// A whole answer to GetClusterResourceState. An answer that was cut, or had more of anything than
// the limits below, is no snapshot: a part must never be taken for the whole.
struct RayResourceState {
  std::string session;       // cluster_session_name: another one means that the head has restarted
  std::int64_t version = 0;  // cluster_resource_state_version
  std::vector<RayNode> nodes;  // in order of node_id; the dead among them
  DemandCounts pending;
  std::vector<GangRequest> gangs;              // sorted
  std::vector<ClusterConstraint> constraints;  // none or one
  friend bool operator==(const RayResourceState&, const RayResourceState&) = default;
};

inline constexpr std::size_t k_ray_nodes_max = 20'000;  // of one answer, the dead among them
inline constexpr std::size_t k_demand_shapes_max = 20'000;
inline constexpr std::size_t k_gangs_max = 10'000;
inline constexpr std::size_t k_gang_bundles_max = 10'000;  // of one gang

// --- what is said to the head ---

struct PendingGroupRequest {  // pods that are wanted and are not there
  std::string group;
  std::int64_t count = 0;
  WallTime requested_at;
  friend bool operator==(const PendingGroupRequest&, const PendingGroupRequest&) = default;
};

struct PendingPod {  // a pod that is there and is no Ray node yet
  std::string group;
  std::string pod;
  std::string ip;
  std::string details;
  friend bool operator==(const PendingPod&, const PendingPod&) = default;
};

struct FailedGroupRequest {
  std::string group;
  std::int64_t count = 0;
  std::string reason;
  WallTime started_at;
  WallTime failed_at;
  friend bool operator==(const FailedGroupRequest&, const FailedGroupRequest&) = default;
};

// AutoscalingState: what `ray status` shows. The infeasible ones are told to the driver as "cannot
// be scheduled", and may fail its tasks: only what no group could ever hold belongs there.
struct AutoscalingReport {
  std::int64_t seen_version = 0;   // RayResourceState::version that this follows from
  std::int64_t state_version = 0;  // rises with every report, also over restarts: Unix milliseconds
  std::vector<PendingGroupRequest> pending_requests;  // in order of group
  std::vector<PendingPod> pending_pods;               // in order of name
  std::vector<FailedGroupRequest> failed_requests;    // in order of group
  std::vector<ResourceRequest> infeasible_requests;   // sorted, each once
  std::vector<GangRequest> infeasible_gangs;
  std::vector<ClusterConstraint> infeasible_constraints;
  friend bool operator==(const AutoscalingReport&, const AutoscalingReport&) = default;
};

// ReportClusterConfig: the largest shape the cluster may take.
struct ClusterShape {
  struct Group {
    std::string name;
    ResourceAmounts resources;  // of one pod; sent in whole units
    std::int64_t pods_min = 0;  // saturate to the wire's 32 bits
    std::int64_t pods_max = 0;
    friend bool operator==(const Group&, const Group&) = default;
  };
  std::vector<Group> groups;  // in the file's order
  friend bool operator==(const ClusterShape&, const ClusterShape&) = default;
};

enum class DrainReason : std::uint8_t {
  IdleTermination = 1,  // the head refuses when the node is no longer idle
  Preemption = 2        // always accepted: no new work, running work goes on
};

const char* name_of(DrainReason reason);  // "IDLE_TERMINATION", as Ray writes it

// AutoscalerStateService/DrainNode. The sender checks is_node_id first.
struct DrainRequest {
  std::string node_id;
  std::string session;  // of the snapshot that this was decided on
  DrainReason reason = DrainReason::IdleTermination;
  std::string message;               // the sentence; Ray shows it as the node's cause of death
  std::optional<WallTime> deadline;  // advisory: nothing happens then
  friend bool operator==(const DrainRequest&, const DrainRequest&) = default;
};

// Accepted alone proves nothing (an unknown node's drain is accepted too): only a later snapshot
// does.
struct DrainReply {
  bool accepted = false;
  std::string rejection;  // Ray's words
  friend bool operator==(const DrainReply&, const DrainReply&) = default;
};

}  // namespace ray_gitops
