#pragma once
// One pass of Ray's v2 scheduler (Ray 2.60, ray/autoscaler/v2/scheduler.py) over values: which
// nodes to launch, which to terminate, what cannot be placed. Nothing outlives a pass.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/model/autoscaling.h"
#include "reconcilers/model/declaration.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::autoscaler {

// What one worker group's pods are to Ray. The order of types is the file's: it breaks ties.
struct NodeType {
  std::string name;
  ResourceAmounts capacity;  // of one node
  std::map<std::string, std::string> labels;
  std::int64_t nodes_min = 0;
  std::int64_t nodes_max = 0;
  std::optional<Duration> idle_timeout;  // else the cluster's
  std::int64_t priority = 0;
  // Ranks of equals: 1 is best, lower after failed launches (cloud_resource_availabilities and its
  // recoverable twin).
  double availability = 1.0;
  double recoverable_availability = 1.0;
  std::string closed;  // why no more may be launched now, to follow the name; empty: it is open
  // A minimum that has to have a place in SchedulerInput::room, and who asks for it.
  std::int64_t nodes_kept = 0;
  std::string kept_by;
  PodAmounts charge;       // what a new replica takes of the room: all of its
  std::int64_t hosts = 1;  // nodes together
};

// A node may leave when it has been idle for longer than its timeout, not when just as long (Ray).
constexpr bool is_idle_for_long(Duration idle, Duration timeout) { return idle > timeout; }

enum class NodeStage : std::uint8_t {
  Pending,  // wanted, or a pod that is no Ray node yet: counts with its type's whole capacity
  Running,  // a Ray node: counts with what it reports
  Leaving   // on its way out: no capacity, but it takes a place below the type's maximum
};

struct SchedulerNode {
  std::string id;
  std::string type;
  bool head = false;
  NodeStage stage = NodeStage::Pending;
  // Of Running nodes; Pending ones take their type's.
  ResourceAmounts total;
  ResourceAmounts available;
  std::map<std::string, std::string> labels;  // dynamic ones included
  Duration idle{0};
  // Nodes of one unit leave together or not at all (a replica of several hosts). Empty: alone.
  std::string unit;
  bool takes_requests = true;  // false: it counts, but nothing is planned onto it
};

struct SchedulerInput {
  std::vector<NodeType> types;
  std::vector<SchedulerNode> nodes;  // the order breaks ties
  DemandCounts pending;
  std::vector<GangRequest> gangs;
  std::vector<ClusterConstraint> constraints;  // the first counts
  std::optional<std::int64_t> nodes_max;       // of all types, the head included
  std::optional<Duration> idle_timeout;        // nullopt: idle nodes stay
  bool conserve_gpu_nodes = true;              // AUTOSCALER_CONSERVE_GPU_NODES
  // What new nodes may take in all, but for those of the types' nodes_min, and whose word that is.
  // nullopt: there is no such limit. What is not named in it has none.
  std::optional<PodAmounts> room;
  std::string room_of;
  // Ray also plans demand onto nodes that the same pass has chosen to terminate. Without this the
  // demand is planned elsewhere at once.
  bool plans_on_terminating = true;
  // Ray plans a STRICT_PACK group whose bundles have different label selectors onto several nodes,
  // where Ray itself never places it. Without this it is infeasible unless one node can hold it.
  bool splits_strict_pack = true;
};

enum class TerminationCause : std::uint8_t { MaxNodesPerType, MaxNodes, Idle };

const char* name_of(TerminationCause cause);  // "MAX_NUM_NODE_PER_TYPE", as Ray writes it

struct Termination {
  std::string node;
  TerminationCause cause = TerminationCause::Idle;
  std::string reason;  // one sentence
};

struct KeptNode {
  std::string node;
  std::string reason;  // why it does not leave, one sentence
};

struct Launch {
  std::int64_t count = 0;
  std::string reason;  // what for, one sentence
};

// New nodes that are launched together or not at all.
struct LaunchBatch {
  std::map<std::string, std::int64_t> launches;  // by type; counts of 1 or more
};

// What was not placed, and why, group by group.
struct Unplaced {
  std::string reason;  // one sentence
  bool never = false;  // no group could ever hold it, whatever is free: what Ray calls infeasible
};

struct UnplacedRequest : Unplaced {
  ResourceRequest request;
  std::int64_t count = 0;
};
struct UnplacedGang : Unplaced {
  GangRequest gang;
};
struct UnplacedConstraint : Unplaced {
  ClusterConstraint constraint;
};

struct SchedulerDecision {
  std::map<std::string, Launch> launches;  // by type; counts of 1 or more
  // The same but for those of nodes_min, in the order in which they were chosen.
  std::vector<LaunchBatch> batches;
  std::vector<Termination> terminations;  // in order of the input's nodes
  std::vector<KeptNode> kept;             // likewise: workers that run and stay
  std::vector<std::string> unneeded;      // Pending nodes that no demand was placed on, likewise
  std::vector<UnplacedRequest> requests;  // sorted
  std::vector<UnplacedGang> gangs;        // in order of planning
  std::vector<UnplacedConstraint> constraints;
};

// Equal inputs give equal decisions. Nodes of a type that is not in `types`: Pending ones are
// ignored, others count as capacity and have a maximum of 0.
SchedulerDecision schedule(const SchedulerInput& input);

}  // namespace ray_gitops::autoscaler
