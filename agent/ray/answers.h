#pragma once
// What a Ray head's dashboard answers, read into values. Pure. Seen with Ray 2.60; what is not
// documented there is Ray's source, ray/dashboard/modules/job/job_head.py.

#include <cstddef>

#include "agent/loop/http.h"
#include "reconcilers/model/ray_head.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::ray {

// Of RayJobInfo::message: the end of it, where the exception stands.
constexpr std::size_t k_job_message_bytes_max = 4096;
// Of the line of Ray's text that an error quotes.
constexpr std::size_t k_quoted_bytes_max = 300;

// The reply to `request`. Only a 200 is read as JSON: errors are texts, Python tracebacks mostly.
// Rejected for a 400, with the traceback's last line. Unavailable for everything else that is not
// an answer to the request, with the status and the last line of a plain text. As event.h says, it
// is a success of SubmitJob that the job exists, and of StopJob that it does not.
Result<RayReply> parse_reply(const RayRequest& request, const HttpResponse& response);

}  // namespace ray_gitops::ray
