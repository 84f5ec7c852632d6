#pragma once
// The cluster as clients meet it: the shipped object store behind a network that may lose, delay
// and repeat nothing but break everywhere else.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/engine/effect.h"
#include "agent/engine/event.h"
#include "agent/local_cluster/store/store.h"
#include "tests/simulation/core.h"

namespace ray_gitops::simulation {

// A write of an agent, at the moment it reached the store.
struct WriteSeen {
  std::string agent;  // "agent-0"
  const Action* action = nullptr;
  Document before;  // null where there was nothing
  Document after;
  int http = 0;
};

// How an agent's process is told; it drops what comes for an earlier life of it.
using Deliver = std::function<void(engine::Event)>;

// The store's key of a resource.
local_cluster::StoreKey store_key(const ResourceKey& key);
// An object of the store as the engine sees it.
std::optional<ResourceView> view_of(const Document& object);

class Api {
 public:
  explicit Api(Core& core);

  // The REST side. `agent` is the name of the client, `deliver` its ear.
  void start_list(const engine::StartList& effect, const std::string& agent,
                  const Deliver& deliver);
  void start_watch(const engine::StartWatch& effect, const std::string& agent,
                   const Deliver& deliver);
  void send_write(const engine::SendWrite& effect, const std::string& agent,
                  const Deliver& deliver);
  void send_read(const engine::SendRead& effect, const Deliver& deliver);
  // The client's process is gone: nobody watches.
  void disconnect(const std::string& agent);

  // Everybody else's side (kubelet, people): a change is seen by watches and listeners at once.
  void mutate(const std::function<void(local_cluster::Store&)>& change);
  const local_cluster::Store& store() const { return store_; }

  std::function<void(const local_cluster::Change&)> on_change;
  std::function<void(const WriteSeen&)> on_write;
  // uids of everything agents made.
  const std::set<std::string>& made() const { return made_; }

 private:
  struct Watch {
    std::string agent;
    ResourceType type = ResourceType::Pod;
    local_cluster::Selection selection;
    std::int64_t revision = 0;  // seen
    Instant last_delivery;
    Deliver deliver;
  };

  Duration trip();
  void publish_changes();
  void feed(std::uint64_t id, Watch& watch, const std::vector<local_cluster::Change>& changes);
  void send_event(std::uint64_t id, Watch& watch, engine::Event event);
  void end_watch(std::uint64_t id, const Error& error);
  void bookmark_later(std::uint64_t id);
  Result<std::optional<ResourceView>> carry_out(const Action& action, const std::string& agent);

  Core& core_;
  local_cluster::Store store_;
  std::int64_t published_ = 0;
  bool settling_ = false;
  std::uint64_t next_watch_ = 1;
  std::map<std::uint64_t, Watch> watches_;
  std::set<std::string> made_;
};

}  // namespace ray_gitops::simulation
