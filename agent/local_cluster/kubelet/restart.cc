#include "agent/local_cluster/kubelet/restart.h"

#include <algorithm>

namespace ray_gitops::local_cluster {

bool restarts(RestartPolicy policy, int exit_code) {
  switch (policy) {
    case RestartPolicy::Always:
      return true;
    case RestartPolicy::OnFailure:
      return exit_code != 0;
    case RestartPolicy::Never:
      return false;
  }
  return false;
}

bool restarts_init(RestartPolicy policy, int exit_code) {
  return exit_code != 0 && policy != RestartPolicy::Never;
}

Duration RestartBackoff::next_delay(Duration ran) {
  if (!has_restarted_ || ran >= k_restart_delay_reset) {
    has_restarted_ = true;
    delay_ = Duration{0};
    return delay_;
  }
  delay_ = delay_.count() == 0 ? k_restart_delay_first : std::min(delay_ * 2, k_restart_delay_max);
  return delay_;
}

}  // namespace ray_gitops::local_cluster
