#pragma once
// What a Ray head's dashboard answers, read into values. Pure. Seen with Ray 2.60; what is not
// documented there is Ray's source, ray/dashboard/modules/{job/job_head,serve/serve_head}.py.

#include "agent/loop/http.h"
#include "reconcilers/model/ray_head.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::ray {

// The reply to `request`. Only a 200 is read as JSON: errors are texts, Python tracebacks mostly.
// Rejected for a 400, with what Ray says last (text.h). Unavailable for everything else that is not
// an answer to the request, with the status and the last line of a plain text. As event.h says, it
// is a success of SubmitJob that the job exists, and of StopJob that it does not. A PutServe that
// succeeds has an empty body.
Result<RayReply> parse_reply(const RayRequest& request, const HttpResponse& response);

}  // namespace ray_gitops::ray
