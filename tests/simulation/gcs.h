#pragma once
// The GCS of the simulated heads: Ray nodes on the ready workers of each cluster, and tasks that
// take one CPU each. A head forgets all of it when its life ends.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "agent/engine/effect.h"
#include "reconcilers/model/autoscaling.h"
#include "tests/simulation/api.h"
#include "tests/simulation/core.h"
#include "tests/simulation/ray_head.h"

namespace ray_gitops::simulation {

class Gcs {
 public:
  Gcs(Core& core, const Api& api, const RayHeads& heads) : core_(core), api_(api), heads_(heads) {}

  void ask(const engine::AskGcs& effect, const Deliver& deliver);
  // A driver on the cluster's head wants so many tasks to run at once, each for so long. Nothing
  // happens when no head answers.
  void submit(const ObjectKey& cluster, std::int64_t tasks, Duration length);
  void on_change(const local_cluster::Change& change);

  // Why the worker's pod must not be deleted now; empty: nothing is lost with it.
  std::string what_is_lost(const std::string& pod_uid) const;
  // Whether the worker's node was drained, or has ended.
  bool is_leaving(const std::string& pod_uid) const;
  // Whether a task of the cluster's head runs or waits.
  bool has_work(const ObjectKey& cluster) const;

  // A node was drained and has ended, and with it the container of this pod.
  std::function<void(const local_cluster::StoreKey& pod, const std::string& uid)> on_node_end;

 private:
  enum class NodeStatus : std::uint8_t { Alive, Draining, Dead };
  struct Node {
    std::string id;
    local_cluster::StoreKey pod;
    std::string cluster;
    std::string group;
    std::string ip;
    NodeStatus status = NodeStatus::Alive;
    Instant joined_at;
    Instant idle_since;
    std::optional<std::uint64_t> task;  // that runs on it
  };
  // One life of one head.
  struct Life {
    std::int64_t version = 0;
    std::map<std::string, Node> nodes;  // by pod uid
    std::map<std::uint64_t, Duration> tasks;
    std::deque<std::uint64_t> pending;
  };

  // Nodes come and go with their pods.
  void look_at(const ObjectKey& cluster);
  void join(Life& life, const std::string& session, const PodView& pod);
  void die(Life& life, Node& node);
  void schedule(const std::string& session);
  void end_task(const std::string& session, const std::string& pod_uid, std::uint64_t task);
  void end_drained(const std::string& session, const std::string& pod_uid);
  Result<GcsReply> carry_out(const std::string& session, const GcsRequest& request);
  GcsReply drain(const std::string& session, const DrainRequest& request);
  RayResourceState state_of(const std::string& session);

  Core& core_;
  const Api& api_;
  const RayHeads& heads_;
  std::uint64_t next_task_ = 1;
  int next_node_ = 1;
  std::map<std::string, Life> lives_;  // by session
};

}  // namespace ray_gitops::simulation
