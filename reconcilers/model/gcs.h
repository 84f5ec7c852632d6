#pragma once
// What is asked of a Ray head's GCS (the autoscaler's service), and what it answers: values, no
// wire format.

#include <string>
#include <variant>

#include "reconcilers/model/autoscaling.h"
#include "reconcilers/model/object_key.h"

namespace ray_gitops {

struct GetResourceState {
  friend bool operator==(const GetResourceState&, const GetResourceState&) = default;
};

// One call to one life of one head pod. What is called follows from the body. Each may be sent more
// than once for one answer, and none does anything more the second time.
struct GcsRequest {
  std::string cluster;   // the RayCluster, for the log
  std::string head_uid;  // whom it is meant for
  std::string address;   // "<pod ip>:<GCS port>"
  std::variant<GetResourceState, AutoscalingReport, ClusterShape, DrainRequest> body;
  ResourceKey token_secret = {ResourceType::Secret, {}, {}};  // no name: the head asks for no token
};

// Of AutoscalerStateService, as Ray writes it: "GetClusterResourceState", "DrainNode", ...
const char* method_of(const GcsRequest& request);

// Of GetResourceState the state, of DrainRequest its reply; of the two reports nothing.
using GcsReply = std::variant<RayResourceState, std::monostate, DrainReply>;

}  // namespace ray_gitops
