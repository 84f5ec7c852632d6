#include "agent/local_cluster/kubelet/start_order.h"

#include <algorithm>
#include <tuple>

namespace ray_gitops::local_cluster {

std::vector<std::string> choose_starts(std::vector<WaitingPod> waiting, std::size_t free_places) {
  std::sort(waiting.begin(), waiting.end(), [](const WaitingPod& left, const WaitingPod& right) {
    return std::tuple(left.is_ray_node, !left.is_head, left.created_at, left.uid) <
           std::tuple(right.is_ray_node, !right.is_head, right.created_at, right.uid);
  });
  std::vector<std::string> chosen;
  for (const WaitingPod& pod : waiting) {
    if (pod.is_ray_node && free_places == 0) break;
    if (pod.is_ray_node) --free_places;
    chosen.push_back(pod.uid);
  }
  return chosen;
}

}  // namespace ray_gitops::local_cluster
