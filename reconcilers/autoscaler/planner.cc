#include "reconcilers/autoscaler/planner.h"

#include <algorithm>
#include <set>
#include <utility>

#include "reconcilers/manifest/pod_amounts.h"

namespace ray_gitops::autoscaler {
namespace {

constexpr const char* k_wanted = "wanted/";  // no pod's name has a '/'

struct GroupCount {
  std::int64_t staying = 0;             // pods that are not leaving
  std::int64_t running = 0;             // of these: Ray nodes
  std::int64_t busy = 0;                // of these: in use
  std::set<std::string> busy_replicas;  // of several hosts
  std::int64_t leaving = 0;
  std::int64_t wanted = 0;  // of the saved target, not pods yet, and there is a place for them
  std::int64_t held = 0;    // likewise, once what is leaving is gone
};

std::int64_t times(std::int64_t replicas, std::int64_t hosts) {
  return replicas > k_group_pods_max / hosts ? k_group_pods_max / hosts * hosts : replicas * hosts;
}

std::int64_t replicas_of(std::int64_t pods, std::int64_t hosts) {
  return (pods + hosts - 1) / hosts;
}

// All that is decided for one cluster, step by step.
class Planner {
 public:
  explicit Planner(const PlannerInput& input) : input_(input) {
    for (const WorkerPod& pod : input.pods) pods_.push_back(&pod);
    std::sort(pods_.begin(), pods_.end(), [](const WorkerPod* left, const WorkerPod* right) {
      return left->name < right->name;
    });
    for (const RayNode& node : input.state.nodes) {
      if (node.status == RayNodeStatus::Dead) continue;
      (node.instance_id.empty() ? by_ip_[node.ip] : by_pod_[node.instance_id]).push_back(&node);
    }
  }

  PlannerDecision run() {
    for (const Group& group : input_.groups) add_type(group);
    add_head();
    for (const WorkerPod* pod : pods_) add_pod(*pod);
    for (const Group& group : input_.groups) add_wanted(group);
    for (NodeType& type : scheduler_.types) add_policy(*groups_.at(type.name), type);
    add_demand();
    scheduled_ = schedule(scheduler_);
    for (const Group& group : input_.groups) decide_group(group);
    decide_pods();
    for (const LaunchBatch& batch : scheduled_.batches) add_want(batch);
    decision_.requests = std::move(scheduled_.requests);
    decision_.gangs = std::move(scheduled_.gangs);
    decision_.constraints = std::move(scheduled_.constraints);
    return std::move(decision_);
  }

 private:
  void add_type(const Group& group) {
    NodeType type;
    type.name = group.name;
    type.capacity = group.capacity;
    type.labels = group.labels;
    type.nodes_max = group.suspended ? 0 : times(group.replicas_max, group.hosts);
    type.nodes_min = std::min(type.nodes_max, times(group.replicas_min, group.hosts));
    type.idle_timeout = group.idle_timeout;
    type.priority = group.priority;
    type.closed = group.suspended ? "is suspended" : group.backed_off;
    scheduler_.types.push_back(std::move(type));
    groups_[group.name] = &group;
  }

  // Once it is known which pods are in use.
  void add_policy(const Group& group, NodeType& type) {
    const GroupCount& count = counts_[group.name];
    const std::int64_t in_use =
        group.hosts == 1 ? count.busy : static_cast<std::int64_t>(count.busy_replicas.size());
    const std::int64_t warm = group.warm == 0 ? 0 : in_use + group.warm;
    const std::int64_t kept = times(std::max(group.kept, warm), group.hosts);
    type.nodes_kept = std::min(kept, type.nodes_max);
    type.kept_by = group.kept >= warm ? group.kept_by : group.warm_by;
    add_amounts(type.charge, group.charge, group.hosts);
    type.hosts = group.hosts;
  }

  // The head takes demand as any node does, and never leaves.
  void add_head() {
    for (const RayNode& node : input_.state.nodes) {
      if (!node.total.contains("node:__internal_head__") || !takes_work(node)) continue;
      SchedulerNode head = running_node(node, node.node_id);
      head.type = node.group;
      head.head = true;
      scheduler_.nodes.push_back(std::move(head));
    }
  }
  static bool takes_work(const RayNode& node) {
    return node.status == RayNodeStatus::Running || node.status == RayNodeStatus::Idle;
  }
  static SchedulerNode running_node(const RayNode& node, const std::string& id) {
    SchedulerNode running;
    running.id = id;
    running.stage = NodeStage::Running;
    running.total = node.total;
    running.available = node.available;
    running.labels = node.labels;
    for (const auto& [key, value] : node.dynamic_labels) running.labels[key] = value;
    running.idle = node.status == RayNodeStatus::Idle ? node.idle : Duration{0};
    return running;
  }

  std::vector<const RayNode*> ray_nodes(const WorkerPod& pod) const {
    const auto by_pod = by_pod_.find(pod.name);
    if (by_pod != by_pod_.end()) return by_pod->second;
    const auto by_ip = pod.ip.empty() ? by_ip_.end() : by_ip_.find(pod.ip);
    return by_ip == by_ip_.end() ? std::vector<const RayNode*>{} : by_ip->second;
  }

  void add_pod(const WorkerPod& pod) {
    const std::vector<const RayNode*> nodes = ray_nodes(pod);
    GroupCount& count = counts_[pod.group];
    if (pod.terminating || pod.ended || input_.removing.contains(pod.name) || is_drained(nodes)) {
      ++count.leaving;
      scheduler_.nodes.push_back(bare_node(pod, NodeStage::Leaving));
      return;
    }
    ++count.staying;
    // A node that has reported nothing yet counts as its group declares it.
    const bool runs = !nodes.empty() && !nodes.front()->total.empty();
    if (runs) ++count.running;
    if (runs && is_in_use(*nodes.front())) {
      ++count.busy;
      if (!pod.replica.empty()) count.busy_replicas.insert(pod.replica);
    }
    if (runs)
      scheduler_.nodes.push_back(present_node(pod, nodes));
    else
      scheduler_.nodes.push_back(pending_node(pod));
  }
  // Something of it is taken. For Ray a node is idle only some time after it has joined, and as
  // long as it keeps no object that somebody may ask for; either has room for all that may come.
  static bool is_in_use(const RayNode& node) {
    return std::any_of(node.total.begin(), node.total.end(), [&](const auto& each) {
      const auto left = node.available.find(each.first);
      const ResourceUnits units = left == node.available.end() ? 0 : left->second;
      return each.first != "object_store_memory" && units < each.second;
    });
  }
  // Somebody drains it, and it was not us.
  static bool is_drained(const std::vector<const RayNode*>& nodes) {
    return std::any_of(nodes.begin(), nodes.end(),
                       [](const RayNode* node) { return node->status == RayNodeStatus::Draining; });
  }
  // Pods that a group cannot get are no capacity.
  SchedulerNode pending_node(const WorkerPod& pod) const {
    SchedulerNode node = bare_node(pod, NodeStage::Pending);
    const auto group = groups_.find(pod.group);
    node.takes_requests = group == groups_.end() || group->second->backed_off.empty();
    return node;
  }
  SchedulerNode bare_node(const WorkerPod& pod, NodeStage stage) const {
    SchedulerNode node;
    node.id = pod.name;
    node.type = pod.group;
    node.stage = stage;
    if (!pod.replica.empty()) node.unit = pod.group + "/" + pod.replica;
    return node;
  }
  SchedulerNode present_node(const WorkerPod& pod, const std::vector<const RayNode*>& nodes) {
    SchedulerNode node = running_node(*nodes.front(), pod.name);
    node.type = pod.group;
    if (!pod.replica.empty()) node.unit = pod.group + "/" + pod.replica;
    if (nodes.size() > 1) holds_[pod.name] = "several Ray nodes say that they are this pod";
    const auto refused = input_.refused.find(pod.name);
    if (refused != input_.refused.end()) holds_[pod.name] = refused->second;
    if (holds_.contains(pod.name)) node.idle = Duration{0};
    return node;
  }

  bool is_initial(const Group& group) const {
    const auto target = input_.targets.find(group.name);
    return target != input_.targets.end() && target->second.initial;
  }
  void add_wanted(const Group& group) {
    const auto target = input_.targets.find(group.name);
    if (target == input_.targets.end() || group.suspended) return;
    if (!group.backed_off.empty() && !target->second.initial) return;
    GroupCount& count = counts_[group.name];
    const std::int64_t most = times(group.replicas_max, group.hosts);
    const std::int64_t saved = std::min(most, times(target->second.replicas, group.hosts));
    const std::int64_t missing = std::max<std::int64_t>(0, saved - count.staying);
    count.wanted = std::clamp<std::int64_t>(most - count.leaving - count.staying, 0, missing);
    count.held = missing - count.wanted;
    if (!group.backed_off.empty()) return;  // they are no capacity
    for (std::int64_t index = 0; index < count.wanted; ++index) {
      SchedulerNode node;
      node.id = k_wanted + group.name;
      node.type = group.name;
      scheduler_.nodes.push_back(std::move(node));
    }
  }

  void add_demand() {
    scheduler_.pending = input_.state.pending;
    scheduler_.gangs = input_.state.gangs;
    std::sort(scheduler_.gangs.begin(), scheduler_.gangs.end());
    scheduler_.constraints = input_.state.constraints;
    scheduler_.idle_timeout = input_.options.idle_timeout;
    scheduler_.conserve_gpu_nodes = input_.options.conserve_gpu_nodes;
    scheduler_.plans_on_terminating = false;
    scheduler_.splits_strict_pack = false;
    if (!input_.allowance) return;
    scheduler_.room = input_.allowance->room;
    scheduler_.room_of = input_.allowance->why;
  }

  // Of the saved target's pods that are not there, how many nothing needs; `pods` with them.
  std::int64_t unneeded(const Group& group, std::int64_t pods) const {
    if (is_initial(group)) return 0;
    const std::int64_t count =
        std::count(scheduled_.unneeded.begin(), scheduled_.unneeded.end(), k_wanted + group.name);
    return std::clamp<std::int64_t>(pods - kept_of(group), 0, count);
  }

  std::int64_t kept_of(const Group& group) const {
    const auto type = std::find_if(scheduler_.types.begin(), scheduler_.types.end(),
                                   [&](const NodeType& each) { return each.name == group.name; });
    return type->nodes_kept;
  }

  // With the first host of a replica come all others.
  std::int64_t pods_launched_for(const std::string& group, std::int64_t count) {
    const std::int64_t hosts = groups_.at(group)->hosts;
    std::int64_t& launched = launched_[group];
    const std::int64_t before = replicas_of(launched, hosts);
    launched += count;
    return times(replicas_of(launched, hosts) - before, hosts);
  }
  void add_want(const LaunchBatch& batch) {
    Want want;
    std::int64_t pods = 0;
    for (const auto& [group, count] : batch.launches) {
      const std::int64_t more = pods_launched_for(group, count);
      if (more > 0) add_amounts(want.amounts, groups_.at(group)->charge, more);
      pods += more;
    }
    if (pods == 0) return;
    std::vector<Want>& wants = decision_.wants;
    if (!wants.empty() && wants.back().amounts == want.amounts)
      ++wants.back().count;
    else
      wants.push_back(std::move(want));
  }

  std::int64_t removed_from(const Group& group) const {
    return std::count_if(scheduled_.terminations.begin(), scheduled_.terminations.end(),
                         [&](const Termination& each) {
                           const WorkerPod* pod = pod_named(each.node);
                           return pod && pod->group == group.name;
                         });
  }
  const WorkerPod* pod_named(const std::string& name) const {
    const auto found = std::lower_bound(
        pods_.begin(), pods_.end(), name,
        [](const WorkerPod* pod, const std::string& wanted) { return pod->name < wanted; });
    return found == pods_.end() || (*found)->name != name ? nullptr : *found;
  }

  void decide_group(const Group& group) {
    const GroupCount& count = counts_[group.name];
    const auto launch = scheduled_.launches.find(group.name);
    const std::int64_t more = launch == scheduled_.launches.end() ? 0 : launch->second.count;
    const std::int64_t fewer = removed_from(group);
    const std::int64_t held = is_initial(group) ? count.held : 0;
    const std::int64_t all = count.staying - fewer + count.wanted + held + more;
    const std::int64_t given_up = unneeded(group, all);
    const std::int64_t pods = std::max(floor_of(group), all - given_up);
    GroupDecision& decided = decision_.groups[group.name];
    decided.target.replicas = replicas_of(pods, group.hosts);
    decided.reason = reason_of(group, more, fewer, given_up);
    decided.target.initial = is_initial(group) && more == 0 && fewer == 0;
    const bool is_slow = input_.options.upscaling == UpscalingMode::Conservative;
    if (is_slow && !decided.target.initial) slow_down(group, decided);
  }
  static std::int64_t floor_of(const Group& group) {
    if (group.suspended) return 0;
    return std::min(times(group.replicas_max, group.hosts), times(group.replicas_min, group.hosts));
  }
  std::string reason_of(const Group& group, std::int64_t more, std::int64_t fewer,
                        std::int64_t given_up) const {
    if (group.suspended) return "the group is suspended";
    std::string text;
    const auto append = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
    if (more > 0) append("adds " + scheduled_.launches.at(group.name).reason);
    if (given_up > 0)
      append("gives up " + std::to_string(given_up) + " that nothing needs any more");
    if (fewer > 0) append(std::to_string(fewer) + " may leave");
    if (!group.backed_off.empty()) append("adds nothing: it " + group.backed_off);
    return text.empty() ? "demand and limits ask for no change" : text;
  }
  void slow_down(const Group& group, GroupDecision& decided) {
    const GroupCount& count = counts_[group.name];
    const std::int64_t running = count.running / group.hosts;
    const std::int64_t allowed = std::max({running + std::max<std::int64_t>(1, running),
                                           replicas_of(floor_of(group), group.hosts),
                                           replicas_of(count.staying, group.hosts)});
    if (decided.target.replicas <= allowed) return;
    decided.reason += "; " + std::to_string(decided.target.replicas - allowed) +
                      " replicas wait for others to run: upscalingMode is Conservative";
    decided.target.replicas = allowed;
  }

  void decide_pods() {
    for (const Termination& each : scheduled_.terminations)
      if (const WorkerPod* pod = pod_named(each.node)) wish(*pod, each);
    for (const WorkerPod* pod : pods_)
      if (is_left_over(*pod))
        decision_.removals.push_back({pod->name, pod->uid, pod->group, pod->replica, "",
                                      DrainReason::IdleTermination,
                                      "its group is not in the file"});
    for (const KeptNode& each : scheduled_.kept) {
      if (!pod_named(each.node)) continue;
      const auto hold = holds_.find(each.node);
      decision_.kept.push_back({each.node, hold == holds_.end() ? each.reason : hold->second});
    }
    const auto by_pod = [](const auto& left, const auto& right) { return left.pod < right.pod; };
    std::sort(decision_.removals.begin(), decision_.removals.end(), by_pod);
    std::sort(decision_.kept.begin(), decision_.kept.end(), by_pod);
  }
  // The scheduler knows nothing of pods that are no Ray nodes of a group that is not in the file.
  bool is_left_over(const WorkerPod& pod) const {
    if (groups_.contains(pod.group) || pod.terminating || input_.removing.contains(pod.name))
      return false;
    return ray_nodes(pod).empty();
  }
  void wish(const WorkerPod& pod, const Termination& termination) {
    const std::vector<const RayNode*> nodes = ray_nodes(pod);
    if (nodes.size() > 1) {
      decision_.kept.push_back({pod.name, holds_[pod.name]});
      return;
    }
    RemovalWish wish{pod.name,          pod.uid, pod.group,
                     pod.replica,       "",      DrainReason::IdleTermination,
                     termination.reason};
    if (!nodes.empty()) wish.node_id = nodes.front()->node_id;
    if (termination.cause != TerminationCause::Idle) wish.drain = DrainReason::Preemption;
    const auto group = groups_.find(pod.group);
    if (group != groups_.end() && group->second->suspended) wish.reason = "the group is suspended";
    decision_.removals.push_back(std::move(wish));
  }

  const PlannerInput& input_;
  std::vector<const WorkerPod*> pods_;  // in order of name
  std::map<std::string, std::vector<const RayNode*>> by_pod_;
  std::map<std::string, std::vector<const RayNode*>> by_ip_;
  std::map<std::string, const Group*> groups_;
  std::map<std::string, GroupCount> counts_;
  std::map<std::string, std::int64_t> launched_;  // nodes that were told in `wants`
  std::map<std::string, std::string> holds_;      // pods that are not drained, and why
  SchedulerInput scheduler_;
  SchedulerDecision scheduled_;
  PlannerDecision decision_;
};

}  // namespace

PlannerDecision plan(const PlannerInput& input) { return Planner(input).run(); }

std::vector<const RayNode*> nodes_of(const WorkerPod& pod, const RayResourceState& state) {
  std::vector<const RayNode*> named;
  std::vector<const RayNode*> at_ip;
  for (const RayNode& node : state.nodes) {
    if (node.status == RayNodeStatus::Dead) continue;
    if (node.instance_id == pod.name) named.push_back(&node);
    if (node.instance_id.empty() && !pod.ip.empty() && node.ip == pod.ip) at_ip.push_back(&node);
  }
  return named.empty() ? at_ip : named;
}

}  // namespace ray_gitops::autoscaler
