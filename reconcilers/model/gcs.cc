#include "reconcilers/model/gcs.h"

#include <array>

namespace ray_gitops {

const char* method_of(const GcsRequest& request) {
  constexpr std::array k_methods{"GetClusterResourceState", "ReportAutoscalingState",
                                 "ReportClusterConfig", "DrainNode"};
  static_assert(k_methods.size() == std::variant_size_v<decltype(request.body)>);
  return k_methods.at(request.body.index());
}

}  // namespace ray_gitops
