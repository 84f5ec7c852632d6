#pragma once
// When a container that has ended is started again (Kubernetes API, restartPolicy; kubelet's
// CrashLoopBackOff).

#include <cstdint>
#include <optional>

#include "agent/local_cluster/kubelet/process_plan.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::local_cluster {

constexpr Duration k_restart_delay_first{10'000};
constexpr Duration k_restart_delay_max{300'000};
// A container that ran this long starts over with the first delay.
constexpr Duration k_restart_delay_reset{600'000};

// Whether a container that ended with this code runs again.
bool restarts(RestartPolicy policy, int exit_code);
// Init containers run until they succeed, unless the policy is Never.
bool restarts_init(RestartPolicy policy, int exit_code);

// The delays between the starts of one container.
class RestartBackoff {
 public:
  // How long to wait after a run that lasted `ran`: nothing the first time, then 10 s, doubled
  // up to 5 min.
  Duration next_delay(Duration ran);

 private:
  Duration delay_{0};
  bool has_restarted_ = false;
};

}  // namespace ray_gitops::local_cluster
