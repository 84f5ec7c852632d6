#pragma once
// Views of live objects from the JSON a cluster serves. Whatever bytes a cluster answers, these
// give a view or an Error: a member of a wrong type counts as absent.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "reconcilers/model/object_key.h"
#include "reconcilers/model/result.h"
#include "reconcilers/model/view.h"

namespace ray_gitops {

// InvalidInput when `object` is of another kind, or lacks what every live object has: a name, a
// namespace (but for a Namespace), a uid and a resource version.
Result<ResourceView> parse_view(ResourceType type, const nlohmann::json& object);

// A digest of what a Service does: selector, ports (name, port, protocol, appProtocol, targetPort),
// type, headlessness and publishNotReadyAddresses. Members that the server fills in are set to its
// defaults first, so that a Service as we write it and as it is served have one digest.
std::string service_shape(const nlohmann::json& service);

// PodView::problem. From the pod's own state only: a container's termination message may be text
// of its log (terminationMessagePolicy FallbackToLogsOnError), so it is never used. Counters and
// back-off times are left out too: the same problem gives the same sentence.
std::string pod_problem(const nlohmann::json& pod);

}  // namespace ray_gitops
