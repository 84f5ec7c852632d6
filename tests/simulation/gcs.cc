#include "tests/simulation/gcs.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "reconcilers/manifest/names.h"
#include "reconcilers/model/declaration.h"

namespace ray_gitops::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What the agent knows of a head may be this old when it deletes a pod that was no node then.
constexpr Duration k_unseen_max = seconds(30);

std::string node_id_of(int number) {
  std::string digits = std::to_string(number);
  return std::string(2 * k_node_id_bytes - digits.size(), '0') + digits;
}

const ResourceAmounts& one_cpu() {
  static const ResourceAmounts amounts{{"CPU", k_units_per_whole}};
  return amounts;
}

}  // namespace

void Gcs::submit(const ObjectKey& cluster, std::int64_t tasks, Duration length) {
  const auto head = heads_.head_of(cluster);
  if (!head) return;
  core_.note("head " + head->session + " is asked for " + std::to_string(tasks) + " tasks");
  Life& life = lives_[head->session];
  for (std::int64_t index = 0; index < tasks; ++index) {
    life.tasks[next_task_] = length;
    life.pending.push_back(next_task_++);
  }
  schedule(head->session);
}

void Gcs::on_change(const local_cluster::Change& change) {
  if (change.key.plural != "pods") return;
  const auto view = view_of(change.object);
  if (!view) return;
  const auto& pod = std::get<PodView>(*view);
  look_at({Kind::RayCluster, pod.meta.key.ns, pod.cluster});
}

void Gcs::look_at(const ObjectKey& cluster) {
  std::map<std::string, PodView> pods;
  for (const Document& object :
       api_.store().list({.type = local_cluster::find_type_by_plural("pods"), .ns = cluster.ns})) {
    const auto view = view_of(object);
    if (!view) continue;
    const auto& pod = std::get<PodView>(*view);
    const bool runs = pod.phase == PodPhase::Running && !pod.meta.terminating;
    if (pod.cluster == cluster.name && runs) pods[pod.meta.uid] = pod;
  }
  const auto head = heads_.head_of(cluster);
  for (auto& [session, life] : lives_)
    for (auto& [uid, node] : life.nodes)
      if (node.pod.ns == cluster.ns && node.cluster == cluster.name && !pods.contains(uid))
        die(life, node);
  if (!head) return;
  for (const auto& [uid, pod] : pods) {
    const bool is_node = std::any_of(lives_.begin(), lives_.end(), [&, id = uid](const auto& life) {
      return life.second.nodes.contains(id);
    });
    if (pod.group != k_head_group_name && pod.ready && !is_node)
      join(lives_[head->session], head->session, pod);
  }
  schedule(head->session);
}

void Gcs::join(Life& life, const std::string& session, const PodView& pod) {
  Node& node = life.nodes[pod.meta.uid];
  node.id = node_id_of(next_node_++);
  node.pod = {"pods", pod.meta.key.ns, pod.meta.key.name};
  node.cluster = pod.cluster;
  node.group = pod.group;
  node.ip = pod.ip;
  node.joined_at = node.idle_since = core_.timeline.instant();
  core_.note("node of " + pod.meta.key.name + " joins " + session);
}

// Its task begins anew elsewhere.
void Gcs::die(Life& life, Node& node) {
  node.status = NodeStatus::Dead;
  if (node.task) life.pending.push_front(*std::exchange(node.task, std::nullopt));
}

void Gcs::schedule(const std::string& session) {
  Life& life = lives_[session];
  for (auto& [uid, node] : life.nodes) {
    if (life.pending.empty()) return;
    if (node.status != NodeStatus::Alive || node.task) continue;
    node.task = life.pending.front();
    life.pending.pop_front();
    core_.timeline.after(life.tasks.at(*node.task), [this, session, pod = uid, task = *node.task] {
      end_task(session, pod, task);
    });
  }
}

void Gcs::end_task(const std::string& session, const std::string& pod_uid, std::uint64_t task) {
  Life& life = lives_.at(session);
  Node& node = life.nodes.at(pod_uid);
  if (node.task != task) return;
  node.task.reset();
  node.idle_since = core_.timeline.instant();
  life.tasks.erase(task);
  if (node.status == NodeStatus::Draining) end_drained(session, pod_uid);
  schedule(session);
}

void Gcs::end_drained(const std::string& session, const std::string& pod_uid) {
  core_.timeline.after(core_.random.between(milliseconds(10), seconds(2)), [=, this] {
    Node& node = lives_.at(session).nodes.at(pod_uid);
    node.status = NodeStatus::Dead;
    const bool container_ends = core_.random.chance(700);
    if (on_node_end && container_ends) on_node_end(node.pod, pod_uid);
  });
}

void Gcs::ask(const engine::AskGcs& effect, const Deliver& deliver) {
  const Faults& faults = core_.faults;
  const auto answer_after = [this, deliver, id = effect.request_id](Duration delay,
                                                                    Result<GcsReply> reply) {
    core_.timeline.after(delay, [deliver, id, reply = std::move(reply)] {
      deliver(engine::GcsAnswered{id, reply});
    });
  };
  const Duration there = core_.random.between(milliseconds(1), milliseconds(30));
  const bool answer_late = core_.random.chance(faults.ray_answer_late);
  const Duration back = answer_late ? core_.random.between(seconds(1), seconds(9))
                                    : core_.random.between(milliseconds(1), milliseconds(30));
  const Duration patience = core_.random.between(milliseconds(50), seconds(10));
  const bool answer_lost = core_.random.chance(faults.ray_answer_lost);
  if (core_.random.chance(faults.ray_request_lost))
    return answer_after(patience, fail(ErrorCode::Unavailable, "no connection"));
  core_.timeline.after(there, [=, this, request = effect.request] {
    const auto head = heads_.head_at(request.address);
    if (!head) return answer_after(back, fail(ErrorCode::Unavailable, "connection refused"));
    Result<GcsReply> reply = carry_out(head->session, request);
    if (answer_lost) reply = fail(ErrorCode::Unavailable, "the connection broke");
    answer_after(back, std::move(reply));
  });
}

Result<GcsReply> Gcs::carry_out(const std::string& session, const GcsRequest& request) {
  if (std::holds_alternative<GetResourceState>(request.body)) return state_of(session);
  if (const auto* order = std::get_if<DrainRequest>(&request.body)) return drain(session, *order);
  return std::monostate{};
}

// A head does not know whom it was told to drain by an earlier one: it accepts that as done.
GcsReply Gcs::drain(const std::string& session, const DrainRequest& request) {
  Life& life = lives_[session];
  const auto found = std::find_if(life.nodes.begin(), life.nodes.end(), [&](const auto& entry) {
    return entry.second.id == request.node_id;
  });
  if (found == life.nodes.end() || found->second.status != NodeStatus::Alive)
    return DrainReply{true, {}};
  auto& [uid, node] = *found;
  const bool must_be_idle = request.reason == DrainReason::IdleTermination;
  const bool refuses = core_.random.chance(core_.faults.drain_refused);
  if (must_be_idle && (refuses || node.task)) return DrainReply{false, "the node is not idle"};
  core_.note("node of " + node.pod.name + " drains");
  node.status = NodeStatus::Draining;
  if (!node.task) end_drained(session, uid);
  return DrainReply{true, {}};
}

RayResourceState Gcs::state_of(const std::string& session) {
  Life& life = lives_[session];
  RayResourceState state;
  state.session = session;
  state.version = ++life.version;
  for (const auto& [uid, node] : life.nodes) {
    RayNode entry;
    entry.node_id = node.id;
    entry.instance_id = node.pod.name;
    entry.group = node.group;
    entry.ip = node.ip;
    entry.status = node.status == NodeStatus::Dead       ? RayNodeStatus::Dead
                   : node.status == NodeStatus::Draining ? RayNodeStatus::Draining
                   : node.task                           ? RayNodeStatus::Running
                                                         : RayNodeStatus::Idle;
    if (node.status != NodeStatus::Dead) entry.total = one_cpu();
    if (node.status != NodeStatus::Dead && !node.task) entry.available = one_cpu();
    if (entry.status == RayNodeStatus::Idle)
      entry.idle = core_.timeline.instant() - node.idle_since;
    state.nodes.push_back(std::move(entry));
  }
  std::sort(state.nodes.begin(), state.nodes.end(),
            [](const RayNode& left, const RayNode& right) { return left.node_id < right.node_id; });
  if (!life.pending.empty())
    state.pending[{one_cpu(), {}, {}}] = static_cast<std::int64_t>(life.pending.size());
  return state;
}

std::string Gcs::what_is_lost(const std::string& pod_uid) const {
  for (const auto& [session, life] : lives_) {
    const auto found = life.nodes.find(pod_uid);
    if (found == life.nodes.end() || found->second.status == NodeStatus::Dead) continue;
    const Node& node = found->second;
    const auto cluster = heads_.cluster_of(session);
    if (!cluster) continue;  // its head is no more: nor is its work
    if (core_.timeline.instant() - node.joined_at < k_unseen_max) continue;
    if (node.status == NodeStatus::Alive) return "it is a Ray node that was not drained";
    if (node.task) return "a task runs on it";
  }
  return {};
}

bool Gcs::is_leaving(const std::string& pod_uid) const {
  return std::any_of(lives_.begin(), lives_.end(), [&](const auto& entry) {
    const auto found = entry.second.nodes.find(pod_uid);
    return found != entry.second.nodes.end() && found->second.status != NodeStatus::Alive;
  });
}

bool Gcs::has_work(const ObjectKey& cluster) const {
  const auto head = heads_.head_of(cluster);
  if (!head) return false;
  const auto life = lives_.find(head->session);
  return life != lives_.end() && !life->second.tasks.empty();
}

}  // namespace ray_gitops::simulation
