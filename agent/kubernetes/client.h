#pragma once
// The Kubernetes API as the engine sees it: effects in, events out. Decides nothing.

#include <functional>
#include <memory>
#include <string>

#include "agent/engine/effect.h"
#include "agent/engine/event.h"
#include "agent/kubernetes/connection.h"
#include "agent/loop/loop.h"

namespace ray_gitops::kubernetes {

// A list may be made to start again this often by a server that forgot its continue token (410).
constexpr int k_list_restarts_max = 3;
constexpr int k_list_pages_max = 10'000;

struct ClientOptions {
  Connection connection;
  std::string agent_id;                   // lists and watches see only objects with this label
  std::string user_agent = "ray-gitops";  // with the version: "ray-gitops/0.1.0"
};

class KubernetesClient {
 public:
  // `deliver` is called from the loop, never from within a member function of this class.
  KubernetesClient(Loop& loop, ClientOptions options, std::function<void(engine::Event)> deliver);
  ~KubernetesClient();  // before the loop's end; delivers nothing
  KubernetesClient(const KubernetesClient&) = delete;
  KubernetesClient& operator=(const KubernetesClient&) = delete;

  // Each is answered as agent/engine/effect.h says. A list is complete or it is a WatchEnded; a
  // watch that the server ends in good order is a WatchEnded with Unavailable.
  void start_list(const engine::StartList& effect);
  void start_watch(const engine::StartWatch& effect);
  void hold_lease(const engine::HoldLease& effect);
  void send_write(const engine::SendWrite& effect);
  void send_read(const engine::SendRead& effect);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ray_gitops::kubernetes
