#pragma once
// Runs pods without running anything: schedules them, makes them Ready, fails some, lets go of
// those that end.

#include <string>

#include "tests/simulation/api.h"
#include "tests/simulation/core.h"

namespace ray_gitops::simulation {

// An object with this annotation belongs to the simulated people; the kubelet leaves it alone.
inline constexpr const char* k_foreign_annotation = "simulation/foreign";

class Kubelet {
 public:
  Kubelet(Core& core, Api& api) : core_(core), api_(api) {}

  void on_change(const local_cluster::Change& change);
  // The Ray containers of all heads restart in place.
  void restart_heads();
  // The Ray container of the pod exits, well.
  void end(const local_cluster::StoreKey& key, const std::string& uid);

 private:
  // A pod of one uid: another of the same name is another one.
  struct Pod {
    local_cluster::StoreKey key;
    std::string uid;
  };
  enum class Stage { Running, Ready, NotReady, Evicted, Ended };

  void bind(const Pod& pod);
  void start(const Pod& pod);
  void get_ready(const Pod& pod);
  void plan_trouble(const Pod& pod);
  void restart_container(const Pod& pod);
  void lose_node(const Pod& pod);
  void set(const Pod& pod, Stage stage);
  Document live(const Pod& pod) const;
  bool is_running(const Pod& pod) const;

  Core& core_;
  Api& api_;
  int addresses_ = 0;
};

}  // namespace ray_gitops::simulation
