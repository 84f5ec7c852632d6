#pragma once
// What is sent to a Ray head's GCS: one unary gRPC call over HTTP/2 (gRPC, "gRPC over HTTP2"; Ray
// 2.60, autoscaler.proto). Pure.

#include <string>

#include "agent/loop/http.h"
#include "reconcilers/model/gcs.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::ray {

// A flag and a length of four bytes stand before each message.
constexpr std::size_t k_frame_prefix_bytes = 5;

// Our message as protobuf, without the prefix. InvalidInput for a drain of what is no node id,
// which Ray would accept and not do. GetClusterResourceState never says which version was seen
// last: a head that has restarted since would abort.
Result<std::string> encode(const GcsRequest& request);

// URL, headers, framed body; `time_max` is the deadline, here and at the head; `token` is the one
// that the head asks for, or empty. InvalidInput as above, and for an address that is none
// (render_origin).
Result<HttpRequest> render_call(const GcsRequest& request, Duration time_max,
                                const std::string& token = {});

}  // namespace ray_gitops::ray
