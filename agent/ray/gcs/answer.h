#pragma once
// The gRPC answer around a message (gRPC, "gRPC over HTTP2"; "Status codes and their use"). Pure.

#include <cstddef>
#include <string_view>

#include "agent/loop/http.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::ray {

// The message of an answer whose status is OK: a part of `response`. Errors, with the head's words
// where it gave any: NotFound (this Ray has no such method), Unauthenticated, Forbidden, Rejected
// (it understood and refuses), Unavailable (any other status; no status, which means that the
// answer was cut; what is no single uncompressed message; what is no gRPC).
Result<std::string_view> message_of(const HttpResponse& response);

}  // namespace ray_gitops::ray
