#include "agent/local_cluster/kubelet/clock.h"

#include <chrono>

namespace ray_gitops::local_cluster {

Now read_clocks() {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  const auto steady = std::chrono::steady_clock::now().time_since_epoch();
  return {{std::chrono::duration_cast<Duration>(wall).count()},
          {std::chrono::duration_cast<Duration>(steady).count()}};
}

}  // namespace ray_gitops::local_cluster
